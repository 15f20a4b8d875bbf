// A board: its top, its oscillator, the clock of its PLL, and a serial line at the level of bits behind a pseudo-terminal.
//
//     simulator OSCILLATOR_HZ CIRCUIT_HZ BAUD
//
// Prints the name of the terminal and runs until its standard input ends. The bit rate is the one that the program at the other end has set.
// Bytes that nobody reads are lost, as on a line. While neither side says anything for a while, time passes more slowly, which saves the host.
// "board.h", written for each board, defines PLL_CLOCK, the signal of the PLL's clock, where there is one.

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>

#include "Vtop.h"
#include "board.h"
#ifdef PLL_CLOCK
#include "Vtop___024root.h"
#endif
#include "verilated.h"

constexpr double second = 1e15;       // time is in femtoseconds
constexpr int chunk = 2000;           // oscillator cycles between looks at the terminal
constexpr int quiet_chunks = 20;      // chunks without a bit on the line until it counts as quiet
constexpr int quiet_wait = 2;         // milliseconds that a chunk then takes at least

#ifdef __linux__
// struct termios2 of the kernel, whose header does not go with termios.h: rates that have no name are there alone.
struct Termios2 {
    uint32_t modes[4];
    uint8_t rest[20];
    uint32_t input_speed, output_speed;
};
#endif

struct Terminal {
    int master = -1, slave = -1;

    bool open() {
        master = posix_openpt(O_RDWR | O_NOCTTY);
        if (master < 0 || grantpt(master) || unlockpt(master)) return false;
        slave = ::open(ptsname(master), O_RDWR | O_NOCTTY);  // kept, so that it lives on when a host goes
        termios mode;
        if (slave < 0 || tcgetattr(slave, &mode)) return false;
        cfmakeraw(&mode);
        cfsetspeed(&mode, B1000000);
        if (tcsetattr(slave, TCSANOW, &mode)) return false;
        return fcntl(master, F_SETFL, O_NONBLOCK) == 0;
    }

    // Any number of bits per second; 0 where nobody has set one.
    double baud(double usual) const {
#ifdef __linux__
        Termios2 mode;
        const bool known = ioctl(slave, _IOR('T', 0x2A, Termios2), &mode) == 0;
        const double set = known ? mode.output_speed : 0;
#else
        termios mode;
        const double set = tcgetattr(slave, &mode) ? 0 : static_cast<double>(cfgetospeed(&mode));
#endif
        return set > 0 ? set : usual;
    }
};

// The other end of the line: bytes to rx, bytes from tx.
struct Line {
    std::deque<uint8_t> out;
    double bit = 0, out_began = -1, in_began = -1;
    int in_taken = 0;
    uint8_t in_byte = 0;
    bool active = false;

    int rx(double now) {
        if (out_began < 0) {
            if (out.empty()) return 1;
            out_began = now;
        }
        const int place = int((now - out_began) / bit);
        active = true;
        if (place == 0) return 0;
        if (place <= 8) return out.front() >> (place - 1) & 1;
        if (place >= 10) {
            out.pop_front();
            out_began = -1;
            return rx(now);
        }
        return 1;
    }

    // The byte whose stop bit has been seen, or -1.
    int tx(double now, int level) {
        if (in_began < 0) {
            if (level) return -1;
            in_began = now;
            in_taken = 0;
            in_byte = 0;
        }
        active = true;
        if (now < in_began + (in_taken + 1.5) * bit) return -1;
        if (in_taken < 8) {
            in_byte |= level << in_taken++;
            return -1;
        }
        in_began = -1;
        return level ? in_byte : -1;
    }
};

int main(int count, char** arguments) {
    if (count != 4) return 2;
    const double oscillator = second / atof(arguments[1]) / 2, circuit = second / atof(arguments[2]) / 2;
    const double usual = atof(arguments[3]);
    Terminal terminal;
    if (!terminal.open()) return 3;
    printf("%s\n", ptsname(terminal.master));
    fflush(stdout);
    const auto top = std::make_unique<Vtop>();
    Line line;
    double now = 0, next_oscillator = oscillator, next_circuit = circuit;
    int quiet = 0;
    for (;;) {
        line.bit = second / terminal.baud(usual);
        line.active = false;
        for (int cycles = 0; cycles < chunk;) {
#ifdef PLL_CLOCK
            if (next_circuit < next_oscillator) {
                top->rootp->PLL_CLOCK ^= 1;
                top->eval();
                next_circuit += circuit;
                continue;
            }
#endif
            now = next_oscillator;
            next_oscillator += oscillator;
            top->rx = line.rx(now);
            top->clk ^= 1;
            top->eval();
            const int byte = line.tx(now, top->tx);
            if (byte >= 0) {
                const uint8_t written = byte;
                if (write(terminal.master, &written, 1) < 0) {}  // nobody reads
            }
            cycles += top->clk;
        }
        uint8_t bytes[512];
        if (line.out.size() < 4096) {
            const ssize_t taken = read(terminal.master, bytes, sizeof bytes);
            for (ssize_t k = 0; k < taken; ++k) line.out.push_back(bytes[k]);
        }
        quiet = line.active || !line.out.empty() ? 0 : quiet + 1;
        pollfd ends[2] = {{0, POLLIN, 0}, {terminal.master, POLLIN, 0}};
        poll(ends, 2, quiet > quiet_chunks ? quiet_wait : 0);
        if (ends[0].revents & (POLLHUP | POLLIN | POLLNVAL)) return 0;
    }
}
