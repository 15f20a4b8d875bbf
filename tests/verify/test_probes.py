"""The output stream of a process is found under whatever name Amaranth gave it."""

from __future__ import annotations

import pytest

from hlsgen.errors import BadFile
from hlsgen.verify.probes import OutputSignals, output_signals

VERILOG = r"""
module top(clk, s_axis_tdata);
  \top.process_0  process_0 (
    .\o__payload$43 (word)
  );
  stage process_1 (
    .o__payload(word)
  );
  \top.sink  process_2 (
    .clk(clk)
  );
endmodule

module \top.process_0 (clk, \o__ready$45 , \o__payload$43 , \o__valid$4 );
endmodule

module stage(clk, o__payload, o__valid, o__ready, o__payload_extra);
endmodule

module \top.sink (clk);
endmodule
"""


def test_ports_are_found_with_and_without_a_number_behind_their_names() -> None:
    assert output_signals(VERILOG, "top", ["process_1", "process_0"]) == (
        OutputSignals("process_1", "stage", "o__payload", "o__valid", "o__ready"),
        OutputSignals("process_0", "top.process_0", "o__payload$43", "o__valid$4", "o__ready$45"),
    )


@pytest.mark.parametrize("instance", ["process_2", "process_9"])
def test_an_instance_without_an_output_stream_is_refused(instance: str) -> None:
    with pytest.raises(BadFile, match=instance) as caught:
        output_signals(VERILOG, "top", [instance])
    assert len(str(caught.value).splitlines()) == 3
