"""After the body of a nest was executed: what is carried from iteration to iteration takes the place of its placeholders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hlsgen.loops.ir import Constant, ConstantOrValue, Operation, Value
from hlsgen.loops.python.body import Body
from hlsgen.loops.python.kinds import Kind
from hlsgen.loops.python.refusals import unsupported
from hlsgen.loops.python.symbols import Carried, Index, Several, Symbol, Word


class Resolver:
    """``known``: what placeholders stand for, by their names; only those that are read."""

    def __init__(self, body: Body) -> None:
        self.body, self.builder = body, body.builder
        self.carried = body.variables.carried
        self.known: dict[str, ConstantOrValue] = {}

    def resolved(self) -> tuple[Operation, ...]:
        """The operations without placeholders. Raises UnsupportedOp for a list that is carried from other values than constants."""
        # Only what is read is carried: a variable whose placeholder nobody reads needs no move.
        pending = True
        while pending:
            pending = False
            for operation in tuple(self.builder.operations.values()):
                for value in operation.values:
                    if value.operation.startswith("@") and value.operation not in self.known:
                        self.known[value.operation] = self._stands_for(value.operation)
                        pending = True
        return tuple(self._without(operation) for operation in self.builder.operations.values())

    def kind(self, name: str) -> Kind:
        """What the value for which a placeholder stands may be: its start, or what the variable is in the end."""
        placeholder = self.carried[name]
        kind = placeholder.kind
        final = self._final(placeholder)
        if isinstance(final, Index | Word):
            kind = kind.joined(self.builder.word_of(final).kind)
        return kind

    @property
    def variables(self) -> Mapping[str, str]:
        """Carried variables by the operations that make them."""
        return {
            operand.operation: self.carried[name].variable
            for name, operand in self.known.items()
            if isinstance(operand, Value)
        }

    def _final(self, placeholder: Carried) -> Symbol:
        """The variable of a placeholder after the whole body."""
        name, _, place = placeholder.variable.partition(".")
        final = self.body.variables.values[name]
        if isinstance(final, Several) and place and int(place) < len(final.items):
            final = final.items[int(place)]
        return final

    def _stands_for(self, name: str) -> ConstantOrValue:
        placeholder = self.carried[name]
        start = placeholder.start or 0
        final = self._final(placeholder)
        if not isinstance(final, Index | Word):
            raise unsupported(
                self.body.where,
                self.builder.line,
                f"a number in {placeholder.variable} from iteration to iteration",
                "something else",
                "Assign the list with constants before the loop that changes it.",
            )
        word = self.builder.word_of(final)
        operand = word.operand
        unchanged = isinstance(operand, Value) and operand.operation == placeholder.operation
        if unchanged and not placeholder.kind.only_truth:
            return Constant(start)
        if unchanged:
            operand = Constant(start)  # a predicate must be a value
        if isinstance(operand, Constant) or operand.operation.startswith("@"):
            moved = self.builder.emit("move", Word(operand, 0), hint=placeholder.variable)
            operand = moved.operand
            assert isinstance(operand, Value)
        return Value(operand.operation, 1, start, placeholder.level)

    def _without(self, operation: Operation) -> Operation:
        def read(operand: ConstantOrValue) -> ConstantOrValue:
            return (
                self.known.get(operand.operation, operand)
                if isinstance(operand, Value)
                else operand
            )

        predicate = operation.predicate
        if isinstance(predicate, Value):
            truth = read(predicate)
            assert isinstance(truth, Value), "a carried truth is made by an operation"
            predicate = truth
        return replace(
            operation, operands=tuple(map(read, operation.operands)), predicate=predicate
        )
