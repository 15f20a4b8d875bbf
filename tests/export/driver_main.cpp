// The driver of an exported circuit against its registers in simulation: every read and write is a transfer on the AXI4-Lite bus, while
// samples.h's words go in and come out. Exit status 0 where all is as expected; else the number of the check that is not.
#include <cstdint>
#include <cstdio>
#include <verilated.h>

#include "Vtop.h"
#include "samples.h"

static Vtop *top;
static unsigned fed, taken, wrong;
static const unsigned BASE = 0x40000000;

static void cycle()
{
    top->s_axis_tvalid = fed < INPUTS;
    top->s_axis_tdata = fed < INPUTS ? input_words[fed] : 0;
    top->m_axis_tready = 1;
    top->aclk = 0;
    top->eval();
    bool went_in = top->s_axis_tvalid && top->s_axis_tready, came = top->m_axis_tvalid;
    if (came)
        wrong += taken >= OUTPUTS || top->m_axis_tdata != output_words[taken];
    top->aclk = 1;
    top->eval();
    fed += went_in;
    taken += came;
}

extern "C" uint32_t bus_read(uintptr_t address)
{
    top->s_axil_araddr = address - BASE;
    top->s_axil_arvalid = 1;
    top->s_axil_rready = 1;
    bool asked = false;
    for (int k = 0; k < 100; k++) {
        top->eval();
        if (top->s_axil_rvalid && asked) {
            uint32_t word = top->s_axil_rdata;
            cycle();
            return top->s_axil_rresp == 0 ? word : 0xDEADBEEF;
        }
        bool ready = top->s_axil_arready;
        cycle();
        if (ready) {
            top->s_axil_arvalid = 0;
            asked = true;
        }
    }
    return 0xDEADBEEF;
}

extern "C" void bus_write(uintptr_t address, uint32_t word)
{
    top->s_axil_awaddr = address - BASE;
    top->s_axil_wdata = word;
    top->s_axil_wstrb = 0xF;
    top->s_axil_awvalid = top->s_axil_wvalid = top->s_axil_bready = 1;
    for (int k = 0; k < 100; k++) {
        top->eval();
        bool ready = top->s_axil_awready && top->s_axil_wready;
        cycle();
        if (ready)
            break;
    }
    top->s_axil_awvalid = top->s_axil_wvalid = 0;
    for (int k = 0; k < 100 && !top->s_axil_bvalid; k++)
        cycle();
    cycle();
}

extern "C" int use_driver(uintptr_t base, uint32_t samples, int (*interrupted)(void), void (*idle)(void));

static int interrupted() { return top->irq; }

int main()
{
    top = new Vtop;
    top->aresetn = 0;
    for (int k = 0; k < 8; k++)
        cycle();
    top->aresetn = 1;
    int failed = use_driver(BASE, SAMPLES, interrupted, cycle);
    if (!failed && (wrong || taken != OUTPUTS))
        failed = 100;
    std::printf("check %d, %u words taken, %u wrong\n", failed, taken, wrong);
    return failed;
}
