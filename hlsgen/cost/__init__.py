"""What circuits cost on each FPGA family, in LUTs, flip-flops, DSP blocks and block RAMs."""
