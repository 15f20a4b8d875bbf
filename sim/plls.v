// PLLs of the families as the simulator of a board sees them: a clock that it turns itself, and the lock some cycles later.

module EHXPLLL #(
    parameter CLKI_DIV = 1, CLKFB_DIV = 1, CLKOP_DIV = 1, CLKOP_CPHASE = 0, CLKOP_FPHASE = 0,
    parameter CLKOP_ENABLE = "", FEEDBK_PATH = "", PLLRST_ENA = "", INTFB_WAKE = "", STDBY_ENABLE = "", DPHASE_SOURCE = "",
    parameter OUTDIVIDER_MUXA = "", OUTDIVIDER_MUXB = "", OUTDIVIDER_MUXC = "", OUTDIVIDER_MUXD = ""
) (
    input CLKI, CLKFB, RST, STDBY, PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG, PLLWAKESYNC, ENCLKOP,
    output CLKOP, LOCK
);
    reg clock /* verilator public_flat_rw */ = 0;
    reg [5:0] count = 0;
    always @(posedge clock) if (!count[5]) count <= count + 1;
    assign CLKOP = clock;
    assign LOCK = count[5];
endmodule

module SB_PLL40_2_PAD #(
    parameter FEEDBACK_PATH = "", DIVR = 0, DIVF = 0, DIVQ = 0, FILTER_RANGE = 0
) (
    input PACKAGEPIN, RESETB, BYPASS,
    output PLLOUTGLOBALA, PLLOUTGLOBALB, LOCK
);
    reg clock /* verilator public_flat_rw */ = 0;
    reg [5:0] count = 0;
    always @(posedge clock) if (!count[5]) count <= count + 1;
    assign PLLOUTGLOBALA = PACKAGEPIN;
    assign PLLOUTGLOBALB = clock;
    assign LOCK = count[5];
endmodule

module SB_PLL40_CORE #(
    parameter FEEDBACK_PATH = "", DIVR = 0, DIVF = 0, DIVQ = 0, FILTER_RANGE = 0
) (
    input REFERENCECLK, RESETB, BYPASS,
    output PLLOUTGLOBAL, LOCK
);
    reg clock /* verilator public_flat_rw */ = 0;
    reg [5:0] count = 0;
    always @(posedge clock) if (!count[5]) count <= count + 1;
    assign PLLOUTGLOBAL = clock;
    assign LOCK = count[5];
endmodule

module rPLL #(
    parameter FCLKIN = "", DEVICE = "", CLKFB_SEL = "", DYN_IDIV_SEL = "", DYN_FBDIV_SEL = "", DYN_ODIV_SEL = "", PSDA_SEL = "",
    parameter IDIV_SEL = 0, FBDIV_SEL = 0, ODIV_SEL = 0, DYN_SDIV_SEL = 0
) (
    input CLKIN, RESET, RESET_P, CLKFB,
    input [5:0] FBDSEL, IDSEL, ODSEL,
    input [3:0] PSDA, DUTYDA, FDLY,
    output CLKOUT, LOCK
);
    reg clock /* verilator public_flat_rw */ = 0;
    reg [5:0] count = 0;
    always @(posedge clock) if (!count[5]) count <= count + 1;
    assign CLKOUT = clock;
    assign LOCK = count[5];
endmodule
