// Behaviour of the ECP5 cells of which yosys has no model: MULT18X18D (FPGA-TN-02205) and DP16KD (FPGA-TN-02204).
// They hold what hlsgen uses: one clock, an enable and a synchronous reset for each register; no cascades, no dynamic sources.
// ECP5_product and ECP5_memory are the cells without the registers that a netlist step may fill.

module ECP5_register #(parameter WIDTH = 1, parameter USED = 0) (
    input clk, enable, reset, input [WIDTH-1:0] d, output [WIDTH-1:0] q
);
    generate
        if (USED) begin
            reg [WIDTH-1:0] kept = 0;
            always @(posedge clk)
                if (reset) kept <= 0;
                else if (enable) kept <= d;
            assign q = kept;
        end else
            assign q = d;
    endgenerate
endmodule

module ECP5_product (input [17:0] a, b, input signed_a, signed_b, output [35:0] p);
    wire signed [18:0] wide_a = {signed_a & a[17], a};
    wire signed [18:0] wide_b = {signed_b & b[17], b};
    wire signed [37:0] whole = wide_a * wide_b;
    assign p = whole[35:0];
endmodule

module MULT18X18D (
    input A0, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14, A15, A16, A17,
    input B0, B1, B2, B3, B4, B5, B6, B7, B8, B9, B10, B11, B12, B13, B14, B15, B16, B17,
    input C0, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C14, C15, C16, C17,
    input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
    input CLK0, CLK1, CLK2, CLK3, CE0, CE1, CE2, CE3, RST0, RST1, RST2, RST3,
    output P0, P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P12, P13, P14, P15, P16, P17, P18,
    P19, P20, P21, P22, P23, P24, P25, P26, P27, P28, P29, P30, P31, P32, P33, P34, P35
);
    parameter REG_INPUTA_CLK = "NONE";
    parameter REG_INPUTA_CE = "CE0";
    parameter REG_INPUTA_RST = "RST0";
    parameter REG_INPUTB_CLK = "NONE";
    parameter REG_INPUTB_CE = "CE0";
    parameter REG_INPUTB_RST = "RST0";
    parameter REG_PIPELINE_CLK = "NONE";
    parameter REG_PIPELINE_CE = "CE0";
    parameter REG_PIPELINE_RST = "RST0";
    parameter REG_OUTPUT_CLK = "NONE";
    parameter REG_OUTPUT_CE = "CE0";
    parameter REG_OUTPUT_RST = "RST0";
    parameter CLK0_DIV = "ENABLED";
    parameter RESETMODE = "SYNC";
    localparam REGISTERED_A = REG_INPUTA_CLK != "NONE";
    localparam REGISTERED_B = REG_INPUTB_CLK != "NONE";
    localparam REGISTERED_P = REG_OUTPUT_CLK != "NONE";

    generate
        if (REG_PIPELINE_CLK != "NONE" || RESETMODE != "SYNC")
            SETTING_WITHOUT_A_MODEL registers();
        if (REGISTERED_A && (REG_INPUTA_CLK != "CLK0" || REG_INPUTA_CE != "CE0" || REG_INPUTA_RST != "RST0"))
            SETTING_WITHOUT_A_MODEL control_of_a();
        if (REGISTERED_B && (REG_INPUTB_CLK != "CLK0" || REG_INPUTB_CE != "CE0" || REG_INPUTB_RST != "RST0"))
            SETTING_WITHOUT_A_MODEL control_of_b();
        if (REGISTERED_P && (REG_OUTPUT_CLK != "CLK0" || REG_OUTPUT_CE != "CE0" || REG_OUTPUT_RST != "RST0"))
            SETTING_WITHOUT_A_MODEL control_of_p();
    endgenerate

    wire [18:0] a, b;
    wire [35:0] p;
    ECP5_register #(.WIDTH(19), .USED(REGISTERED_A)) register_a (
        .clk(CLK0), .enable(CE0), .reset(RST0), .q(a), .d({SIGNEDA,
            A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0})
    );
    ECP5_register #(.WIDTH(19), .USED(REGISTERED_B)) register_b (
        .clk(CLK0), .enable(CE0), .reset(RST0), .q(b), .d({SIGNEDB,
            B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0})
    );
    ECP5_product product (
        .a(a[17:0]), .b(b[17:0]), .signed_a(a[18]), .signed_b(b[18]), .p(p)
    );
    ECP5_register #(.WIDTH(36), .USED(REGISTERED_P)) register_p (
        .clk(CLK0), .enable(CE0), .reset(RST0), .d(p), .q({
            P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19,
            P18, P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0})
    );
endmodule

// Bytes of 9 bits, of which ports of 1, 2 and 4 bits see the lower 8. Ports of 18 and 36 bits take byte enables in the lowest bits of
// their addresses. A word of 36 bits is written at port A and read at port B: its halves enter and leave by both ports' pins.
// A port that reads what the other one writes gets the old word here; on the device its value is not defined.
module ECP5_memory #(
    parameter WIDTH_A = 18,
    parameter WIDTH_B = 18,
    parameter WRITEMODE_A = "NORMAL",
    parameter WRITEMODE_B = "NORMAL",
    parameter [64 * 320 - 1:0] INITIAL = 0
) (
    input clk_a, clk_b, enable_a, enable_b, write_a, write_b, reset_a, reset_b,
    input [13:0] address_a, address_b,
    input [17:0] data_a, data_b,
    output [17:0] q_a, q_b
);
    localparam WIDE = WIDTH_A == 36;
    localparam [8:0] MASK_A = WIDTH_A < 9 ? (1 << WIDTH_A) - 1 : 9'h1ff;
    localparam [8:0] MASK_B = WIDTH_B < 9 ? (1 << WIDTH_B) - 1 : 9'h1ff;
    localparam [35:0] READ_A = ~(36'hfffffffff << WIDTH_A);
    localparam [35:0] READ_B = ~(36'hfffffffff << WIDTH_B);
    generate
        if (WRITEMODE_A == "WRITETHROUGH" || WRITEMODE_B == "WRITETHROUGH")
            SETTING_WITHOUT_A_MODEL write_through();
    endgenerate

    reg [8:0] memory [0:2047];
    reg [35:0] read_a = 0, read_b = 0;
    wire [35:0] whole_a = {WIDE ? data_b : 18'b0, data_a};
    wire [35:0] whole_b = {18'b0, data_b};
    // Of a word of 36 bits the upper half leaves at B; a narrower read of such a memory leaves at B whole.
    assign q_a = WIDE ? read_b[17:0] : read_a[17:0];
    assign q_b = WIDTH_B == 36 ? read_b[35:18] : read_b[17:0];

    integer word;
    initial
        for (word = 0; word < 2048; word = word + 1)
            memory[word] = INITIAL[20 * (word / 2) + 9 * (word % 2) +: 9];

    // Port A.
    wire [10:0] first_a = WIDTH_A == 36 ? {address_a[13:5], 2'b00} :
        WIDTH_A == 18 ? {address_a[13:4], 1'b0} : address_a[13:3];
    wire [2:0] place_a = WIDTH_A < 9 ? address_a[2:0] & ~(WIDTH_A[2:0] - 3'd1) : 3'd0;
    wire [8:0] kept_a = memory[first_a] & ~(MASK_A << place_a);
    wire [35:0] at_a = {memory[first_a | 11'd3], memory[first_a | 11'd2], memory[first_a | 11'd1], memory[first_a]};
    integer a;
    always @(posedge clk_a) begin
        if (enable_a & write_a) begin
            if (WIDTH_A < 18)
                memory[first_a] <= kept_a | ((data_a[8:0] & MASK_A) << place_a);
            else
                for (a = 0; a < WIDTH_A / 9; a = a + 1)
                    if (address_a[a]) memory[first_a + a[10:0]] <= whole_a[9 * a +: 9];
        end
        if (reset_a) read_a <= 0;
        else if (enable_a & (~write_a | WRITEMODE_A == "READBEFOREWRITE")) read_a <= (at_a >> place_a) & READ_A;
    end

    // Port B.
    wire [10:0] first_b = WIDTH_B == 36 ? {address_b[13:5], 2'b00} :
        WIDTH_B == 18 ? {address_b[13:4], 1'b0} : address_b[13:3];
    wire [2:0] place_b = WIDTH_B < 9 ? address_b[2:0] & ~(WIDTH_B[2:0] - 3'd1) : 3'd0;
    wire [8:0] kept_b = memory[first_b] & ~(MASK_B << place_b);
    wire [35:0] at_b = {memory[first_b | 11'd3], memory[first_b | 11'd2], memory[first_b | 11'd1], memory[first_b]};
    integer b;
    always @(posedge clk_b) begin
        if (enable_b & write_b) begin
            if (WIDTH_B < 18)
                memory[first_b] <= kept_b | ((data_b[8:0] & MASK_B) << place_b);
            else
                for (b = 0; b < WIDTH_B / 9; b = b + 1)
                    if (address_b[b]) memory[first_b + b[10:0]] <= whole_b[9 * b +: 9];
        end
        if (reset_b) read_b <= 0;
        else if (enable_b & (~write_b | WRITEMODE_B == "READBEFOREWRITE")) read_b <= (at_b >> place_b) & READ_B;
    end
endmodule

module DP16KD (
    input DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8, DIA9, DIA10, DIA11, DIA12, DIA13,
    DIA14, DIA15, DIA16, DIA17,
    input ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
    input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
    output DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8, DOA9, DOA10, DOA11, DOA12, DOA13,
    DOA14, DOA15, DOA16, DOA17,
    input DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8, DIB9, DIB10, DIB11, DIB12, DIB13,
    DIB14, DIB15, DIB16, DIB17,
    input ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
    input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
    output DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8, DOB9, DOB10, DOB11, DOB12, DOB13,
    DOB14, DOB15, DOB16, DOB17
);
    parameter DATA_WIDTH_A = 18;
    parameter REGMODE_A = "NOREG";
    parameter CSDECODE_A = "0b000";
    parameter WRITEMODE_A = "NORMAL";
    parameter CLKAMUX = "CLKA";
    parameter DATA_WIDTH_B = 18;
    parameter REGMODE_B = "NOREG";
    parameter CSDECODE_B = "0b000";
    parameter WRITEMODE_B = "NORMAL";
    parameter CLKBMUX = "CLKB";
    parameter RESETMODE = "SYNC";
    parameter ASYNC_RESET_RELEASE = "SYNC";
    parameter GSR = "ENABLED";
    parameter [319:0] INITVAL_00 = 0;
    parameter [319:0] INITVAL_01 = 0;
    parameter [319:0] INITVAL_02 = 0;
    parameter [319:0] INITVAL_03 = 0;
    parameter [319:0] INITVAL_04 = 0;
    parameter [319:0] INITVAL_05 = 0;
    parameter [319:0] INITVAL_06 = 0;
    parameter [319:0] INITVAL_07 = 0;
    parameter [319:0] INITVAL_08 = 0;
    parameter [319:0] INITVAL_09 = 0;
    parameter [319:0] INITVAL_0A = 0;
    parameter [319:0] INITVAL_0B = 0;
    parameter [319:0] INITVAL_0C = 0;
    parameter [319:0] INITVAL_0D = 0;
    parameter [319:0] INITVAL_0E = 0;
    parameter [319:0] INITVAL_0F = 0;
    parameter [319:0] INITVAL_10 = 0;
    parameter [319:0] INITVAL_11 = 0;
    parameter [319:0] INITVAL_12 = 0;
    parameter [319:0] INITVAL_13 = 0;
    parameter [319:0] INITVAL_14 = 0;
    parameter [319:0] INITVAL_15 = 0;
    parameter [319:0] INITVAL_16 = 0;
    parameter [319:0] INITVAL_17 = 0;
    parameter [319:0] INITVAL_18 = 0;
    parameter [319:0] INITVAL_19 = 0;
    parameter [319:0] INITVAL_1A = 0;
    parameter [319:0] INITVAL_1B = 0;
    parameter [319:0] INITVAL_1C = 0;
    parameter [319:0] INITVAL_1D = 0;
    parameter [319:0] INITVAL_1E = 0;
    parameter [319:0] INITVAL_1F = 0;
    parameter [319:0] INITVAL_20 = 0;
    parameter [319:0] INITVAL_21 = 0;
    parameter [319:0] INITVAL_22 = 0;
    parameter [319:0] INITVAL_23 = 0;
    parameter [319:0] INITVAL_24 = 0;
    parameter [319:0] INITVAL_25 = 0;
    parameter [319:0] INITVAL_26 = 0;
    parameter [319:0] INITVAL_27 = 0;
    parameter [319:0] INITVAL_28 = 0;
    parameter [319:0] INITVAL_29 = 0;
    parameter [319:0] INITVAL_2A = 0;
    parameter [319:0] INITVAL_2B = 0;
    parameter [319:0] INITVAL_2C = 0;
    parameter [319:0] INITVAL_2D = 0;
    parameter [319:0] INITVAL_2E = 0;
    parameter [319:0] INITVAL_2F = 0;
    parameter [319:0] INITVAL_30 = 0;
    parameter [319:0] INITVAL_31 = 0;
    parameter [319:0] INITVAL_32 = 0;
    parameter [319:0] INITVAL_33 = 0;
    parameter [319:0] INITVAL_34 = 0;
    parameter [319:0] INITVAL_35 = 0;
    parameter [319:0] INITVAL_36 = 0;
    parameter [319:0] INITVAL_37 = 0;
    parameter [319:0] INITVAL_38 = 0;
    parameter [319:0] INITVAL_39 = 0;
    parameter [319:0] INITVAL_3A = 0;
    parameter [319:0] INITVAL_3B = 0;
    parameter [319:0] INITVAL_3C = 0;
    parameter [319:0] INITVAL_3D = 0;
    parameter [319:0] INITVAL_3E = 0;
    parameter [319:0] INITVAL_3F = 0;

    generate
        if (CLKAMUX != "CLKA" || CLKBMUX != "CLKB" || CSDECODE_A != "0b000" || CSDECODE_B != "0b000")
            SETTING_WITHOUT_A_MODEL plain_ports_only();
    endgenerate

    wire [17:0] q_a, q_b;
    ECP5_memory #(
        .WIDTH_A(DATA_WIDTH_A), .WIDTH_B(DATA_WIDTH_B), .WRITEMODE_A(WRITEMODE_A), .WRITEMODE_B(WRITEMODE_B),
        .INITIAL({
            INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39,
            INITVAL_38, INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32,
            INITVAL_31, INITVAL_30, INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B,
            INITVAL_2A, INITVAL_29, INITVAL_28, INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24,
            INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20, INITVAL_1F, INITVAL_1E, INITVAL_1D,
            INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18, INITVAL_17, INITVAL_16,
            INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10, INITVAL_0F,
            INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
            INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01,
            INITVAL_00})
    ) memory (
        .clk_a(CLKA), .enable_a(CEA & ~CSA0 & ~CSA1 & ~CSA2), .write_a(WEA), .reset_a(RSTA),
        .address_a({
            ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1,
            ADA0}),
        .data_a({
            DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5,
            DIA4, DIA3, DIA2, DIA1, DIA0}),
        .q_a(q_a),
        .clk_b(CLKB), .enable_b(CEB & ~CSB0 & ~CSB1 & ~CSB2), .write_b(WEB), .reset_b(RSTB),
        .address_b({
            ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1,
            ADB0}),
        .data_b({
            DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5,
            DIB4, DIB3, DIB2, DIB1, DIB0}),
        .q_b(q_b)
    );
    ECP5_register #(.WIDTH(18), .USED(REGMODE_A == "OUTREG")) register_a (
        .clk(CLKA), .enable(OCEA), .reset(RSTA), .d(q_a), .q({
            DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
            DOA4, DOA3, DOA2, DOA1, DOA0})
    );
    ECP5_register #(.WIDTH(18), .USED(REGMODE_B == "OUTREG")) register_b (
        .clk(CLKB), .enable(OCEB), .reset(RSTB), .d(q_b), .q({
            DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
            DOB4, DOB3, DOB2, DOB1, DOB0})
    );
endmodule
