"""``python litex_soc.py FOLDER OUT.v``: the module of an export for LiteX inside a circuit with a bank of its CSRs, as Verilog; prints the CSRs."""

import sys
from pathlib import Path

folder, output = map(Path, sys.argv[1:])
sys.path.insert(0, str(folder))

from digits_axi import DigitsAxi  # noqa: E402
from litex.gen import LiteXModule  # noqa: E402
from litex.gen.fhdl.verilog import convert  # noqa: E402
from litex.soc.interconnect.csr_bus import CSRBankArray  # noqa: E402
from migen import ClockDomain  # noqa: E402


class Soc(LiteXModule):
    """Nothing but the circuit and its CSRs."""

    def __init__(self):
        self.cd_sys = ClockDomain("sys")
        self.digits = DigitsAxi()
        self.banks = CSRBankArray(self, lambda name, memory: 0)


soc = Soc()
ios = {soc.cd_sys.clk, soc.cd_sys.rst, soc.digits.ev.irq}
for endpoint in (soc.digits.s_axis, soc.digits.m_axis):
    ios |= {endpoint.data, endpoint.valid, endpoint.ready, endpoint.last}
for bus in soc.banks.get_buses():
    ios |= set(bus.flatten())
for _, csrs, *_ in soc.banks.banks:
    print(*(csr.name for csr in csrs), sep="\n")
output.write_text(convert(soc, ios=ios, name="soc").main_source)
