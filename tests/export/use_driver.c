/* What a user's program does with the driver. Returns 0, or the number of the first check that fails. */
#include "digits_axi.h"

int use_driver(uintptr_t base, uint32_t samples, int (*interrupted)(void), void (*idle)(void));

int use_driver(uintptr_t base, uint32_t samples, int (*interrupted)(void), void (*idle)(void))
{
    struct digits_axi_counters counters;
    uint32_t waited;

    if (digits_axi_check(base) != DIGITS_AXI_OK)
        return 1;
    if (digits_axi_check(base + 4) != DIGITS_AXI_NOT_THERE)
        return 2;
    digits_axi_reset(base);
    if (digits_axi_done(base))
        return 3;
    digits_axi_enable_interrupt(base, 1);
    if (digits_axi_start(base, samples - 1) != DIGITS_AXI_OK)
        return 4;
    if (digits_axi_start(base, 1) != DIGITS_AXI_RUNNING)
        return 5;
    if (digits_axi_wait(base, 2) != DIGITS_AXI_TIMEOUT)
        return 6;
    for (waited = 0; waited < 1000000 && !interrupted(); waited++)
        idle();
    if (!interrupted() || !digits_axi_take_interrupt(base) || interrupted())
        return 7;
    if (digits_axi_take_interrupt(base) || !digits_axi_done(base))
        return 8;
    digits_axi_read_counters(base, &counters);
    if (counters.finished != samples - 1 || counters.busy_cycles == 0)
        return 9;
    if (counters.busy_cycles > counters.cycles)
        return 10;
    digits_axi_enable_interrupt(base, 0);
    if (digits_axi_start(base, 1) != DIGITS_AXI_OK || digits_axi_wait(base, 1000000) != DIGITS_AXI_OK)
        return 11;
    if (interrupted() || !digits_axi_take_interrupt(base))
        return 12;
    return 0;
}
