"""The clocks of a board top: the oscillator for the link, and a PLL of the family for the circuit."""

from __future__ import annotations

from amaranth.hdl import ClockSignal, Const, Instance, Module, Signal, Value

from hlsgen.board import Board
from hlsgen.clock.families import pll_parameters, pll_rules
from hlsgen.clock.pll import PllSetting

PLL = "pll"
"""The name of the PLL's cell."""
CIRCUIT_CLOCK = "circuit_clk"
"""Part of every name of the net that clocks the circuit: that of its domain, in whichever module."""


def add_clocks(m: Module, oscillator: Value, board: Board, setting: PllSetting | None) -> Value:
    """Drive the domains ``sync`` (the oscillator) and ``circuit`` (a PLL; the oscillator where ``setting`` is None).

    Returns what is high once the circuit's clock is steady, asynchronous to both.
    """
    if setting is None:
        m.d.comb += [ClockSignal("sync").eq(oscillator), ClockSignal("circuit").eq(oscillator)]
        return Const(1)
    locked, clock = Signal(name="locked"), Signal(name=CIRCUIT_CLOCK)
    m.d.comb += ClockSignal("circuit").eq(clock)
    if board.family == "ice40" and board.build["pll"]["pad"]:
        # The oscillator's pin belongs to the PLL, which hands its clock on.
        steady = Signal(name="oscillator_clock")
        m.d.comb += ClockSignal("sync").eq(steady)
        ports = {"i_PACKAGEPIN": oscillator, "o_PLLOUTGLOBALA": steady, "o_PLLOUTGLOBALB": clock}
        m.submodules[PLL] = _ice40("SB_PLL40_2_PAD", board, setting, locked, ports)
        return locked
    m.d.comb += ClockSignal("sync").eq(oscillator)
    if board.family == "ice40":
        ports = {"i_REFERENCECLK": oscillator, "o_PLLOUTGLOBAL": clock}
        m.submodules[PLL] = _ice40("SB_PLL40_CORE", board, setting, locked, ports)
    elif board.family == "ecp5":
        m.submodules[PLL] = _ecp5(board, setting, oscillator, clock, locked)
    else:
        assert board.family == "gowin", board.family
        m.submodules[PLL] = _gowin(board, setting, oscillator, clock, locked)
    return locked


def _parameters(board: Board, setting: PllSetting) -> dict[str, int]:
    rules = pll_rules(board)
    assert rules is not None, board.name
    return {f"p_{name}": value for name, value in pll_parameters(rules, setting).items()}


def _ice40(
    kind: str, board: Board, setting: PllSetting, locked: Value, ports: dict[str, Value]
) -> Instance:
    """FPGA-TN-02052: BYPASS low and RESETB high let it run."""
    return Instance(
        kind,
        p_FEEDBACK_PATH="SIMPLE",
        i_RESETB=Const(1),
        i_BYPASS=Const(0),
        o_LOCK=locked,
        **_parameters(board, setting),
        **ports,
    )


def _ecp5(
    board: Board, setting: PllSetting, oscillator: Value, clock: Value, locked: Value
) -> Instance:
    """The analogue attributes are those that ecppll writes for every setting."""
    disabled = ("PLLRST_ENA", "INTFB_WAKE", "STDBY_ENABLE", "DPHASE_SOURCE")
    low = ("RST", "STDBY", "PHASESEL0", "PHASESEL1", "PLLWAKESYNC", "ENCLKOP")
    high = ("PHASEDIR", "PHASESTEP", "PHASELOADREG")
    return Instance(
        "EHXPLLL",
        a_ICP_CURRENT="12",
        a_LPF_RESISTOR="8",
        a_MFG_ENABLE_FILTEROPAMP="1",
        a_MFG_GMCREF_SEL="2",
        p_CLKOP_ENABLE="ENABLED",
        p_CLKOP_FPHASE=0,
        p_FEEDBK_PATH="CLKOP",
        i_CLKI=oscillator,
        i_CLKFB=clock,
        o_CLKOP=clock,
        o_LOCK=locked,
        **{f"p_{name}": "DISABLED" for name in disabled},
        **{f"p_OUTDIVIDER_MUX{part}": f"DIV{part}" for part in "ABCD"},
        **{f"i_{name}": Const(0) for name in low},
        **{f"i_{name}": Const(1) for name in high},
        **_parameters(board, setting),
    )


def _gowin(
    board: Board, setting: PllSetting, oscillator: Value, clock: Value, locked: Value
) -> Instance:
    """UG286: the feedback is internal; what could be changed while it runs is constant."""
    widths = {"FBDSEL": 6, "IDSEL": 6, "ODSEL": 6, "PSDA": 4, "DUTYDA": 4, "FDLY": 4}
    low = {"RESET": 1, "RESET_P": 1, "CLKFB": 1, **widths}
    return Instance(
        "rPLL",
        p_FCLKIN=f"{board.clock_mhz:g}",
        p_DEVICE=board.build["pll"]["device"],
        p_CLKFB_SEL="internal",
        p_DYN_IDIV_SEL="false",
        p_DYN_FBDIV_SEL="false",
        p_DYN_ODIV_SEL="false",
        p_DYN_SDIV_SEL=2,
        p_PSDA_SEL="0000",
        i_CLKIN=oscillator,
        o_CLKOUT=clock,
        o_LOCK=locked,
        **{f"i_{name}": Const(0, width) for name, width in low.items()},
        **_parameters(board, setting),
    )
