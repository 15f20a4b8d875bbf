// The fast engine: streams a job's samples through a Verilated design without any Python per cycle.
//
//     simulator FOLDER SAMPLES STALL SEED PATIENCE
//
// Files and their layout are those of sim/job.py; the drivers and the rules they check are those of sim/axi_stream.py. "ports.h", written for
// each design, names the signals: INPUT_PORTS(P) and OUTPUT_PORTS(P) expand P(signal prefix, file name, words per sample, bytes per word), and
// PARAMETERS(P), where weights are loadable, P(signal prefix, file name).
// Hosts are little-endian, so that a word's bytes are the bytes of a Verilated port.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "Vtop.h"
#include "ports.h"
#include "verilated.h"

using Bytes = std::vector<uint8_t>;

constexpr int reset_cycles = 4;
constexpr int drain_cycles = 64;
constexpr int load_cycles = 1024;  // as LOAD_CYCLES of sim/bench.py
constexpr uint64_t progress_cycles = 1 << 20;

// xorshift64*, Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled" (2016).
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ull + 0x2545F4914F6CDD1Dull) {
        if (state_ == 0) state_ = 1;
        for (int k = 0; k < 8; ++k) next();
    }
    uint32_t next() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return static_cast<uint32_t>((state_ * 0x2545F4914F6CDD1Dull) >> 32);
    }
    uint32_t below(uint32_t bound) { return static_cast<uint32_t>((uint64_t{next()} * bound) >> 32); }

  private:
    uint64_t state_;
};

// The patterns of sim/stalls.py.
class Pattern {
  public:
    Pattern(const std::string& kind, uint64_t seed) : mixed_(kind == "mixed"), random_(seed) {
        present_ = kind == "random" ? 1 : kind == "bursty" ? 2 : 0;
    }
    bool willing() {
        if (mixed_ && left_-- == 0) {
            present_ = static_cast<int>(random_.below(3));
            left_ = 63 + random_.below(449);
        }
        if (present_ == 0) return true;
        if (present_ == 1) return random_.below(10) >= 3;
        if (burst_left_ == 0) {
            burst_willing_ = !burst_willing_;
            burst_left_ = 1 + random_.below(32);
        }
        --burst_left_;
        return burst_willing_;
    }

  private:
    bool mixed_;
    int present_ = 0;
    uint32_t left_ = 0;
    uint32_t burst_left_ = 0;
    bool burst_willing_ = false;
    Random random_;
};

template <typename Data>
void put(Data& port, const uint8_t* bytes, size_t size) {
    Data value = 0;
    std::memcpy(&value, bytes, size);
    port = value;
}
template <std::size_t N>
void put(VlWide<N>& port, const uint8_t* bytes, size_t size) {
    std::memset(port.data(), 0, N * sizeof(EData));
    std::memcpy(port.data(), bytes, size);
}
template <typename Data>
void get(const Data& port, uint8_t* bytes, size_t size) {
    std::memcpy(bytes, &port, size);
}
template <std::size_t N>
void get(const VlWide<N>& port, uint8_t* bytes, size_t size) {
    std::memcpy(bytes, port.data(), size);
}

struct Source {
    std::string name;
    size_t words_per_sample, word_bytes;
    Pattern pattern;
    Bytes words;
    size_t count = 0, sent = 0;
    bool valid = false;
    std::vector<uint64_t> first_accepted;

    template <typename Data>
    void drive(Data& tdata, CData& tvalid, CData& tlast) {
        const bool willing = pattern.willing();
        const bool was_valid = valid;
        valid = sent < count && (valid || willing);
        tvalid = valid;
        if (!valid || was_valid) return;
        put(tdata, &words[sent * word_bytes], word_bytes);
        tlast = (sent + 1) % words_per_sample == 0;
    }
    bool settle(uint64_t cycle, bool ready) {
        if (!valid || !ready) return false;
        if (sent % words_per_sample == 0) first_accepted.push_back(cycle);
        ++sent;
        valid = false;
        return true;
    }
};

struct Sink {
    std::string name;
    size_t words_per_sample, word_bytes;
    Pattern pattern;
    size_t expected = 0, taken = 0;
    bool ready = false, waiting = false, waiting_last = false;
    Bytes words, present, waiting_word;
    std::vector<uint64_t> cycles;
    std::vector<std::string> violations;
    std::set<std::string> kinds;

    void breach(const std::string& kind, uint64_t cycle, const std::string& text) {
        if (kinds.insert(kind).second)
            violations.push_back(name + ", cycle " + std::to_string(cycle) + ": " + text);
    }
    template <typename Data>
    bool settle(uint64_t cycle, const Data& tdata, bool valid, bool last) {
        const bool pending = waiting;
        waiting = false;
        if (!valid) {
            if (pending) breach("withdrawn", cycle, "tvalid fell before tready was given");
            return false;
        }
        get(tdata, present.data(), word_bytes);
        if (pending && present != waiting_word)
            breach("tdata", cycle, "tdata changed before tready was given");
        if (pending && last != waiting_last)
            breach("tlast unstable", cycle, "tlast changed before tready was given");
        if (!ready) {
            waiting = true;
            waiting_word = present;
            waiting_last = last;
            return false;
        }
        const size_t position = taken % words_per_sample;
        if (last != (position == words_per_sample - 1))
            breach("tlast", cycle, "tlast is " + std::to_string(last) + " on word " + std::to_string(position) +
                                       " of " + std::to_string(words_per_sample) + " of a sample");
        if (taken == expected) {
            breach("surplus", cycle, "more than the expected " + std::to_string(expected) + " words came");
            return true;
        }
        words.insert(words.end(), present.begin(), present.end());
        cycles.push_back(cycle);
        ++taken;
        return true;
    }
};

static void fail(const std::string& text) {
    std::fprintf(stderr, "%s\n", text.c_str());
    std::exit(3);
}
static Bytes read_file(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) fail("cannot read " + path);
    return Bytes(std::istreambuf_iterator<char>(stream), {});
}
static void write_file(const std::string& path, const void* data, size_t size) {
    std::ofstream stream(path, std::ios::binary);
    stream.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
    if (!stream.flush()) fail("cannot write " + path);
}
static void write_cycles(const std::string& path, const std::vector<uint64_t>& cycles) {
    write_file(path, cycles.data(), cycles.size() * sizeof(uint64_t));
}

int main(int argc, char** argv) {
    if (argc != 6) fail("expected: FOLDER SAMPLES STALL SEED PATIENCE");
    const std::string folder = std::string(argv[1]) + "/", stall = argv[3];
    const size_t samples = std::strtoull(argv[2], nullptr, 10);
    const uint64_t seed = std::strtoull(argv[4], nullptr, 10), patience = std::strtoull(argv[5], nullptr, 10);

    std::vector<Source> sources;
    std::vector<Sink> sinks;
    uint64_t stream = 0;
#define ADD_SOURCE(prefix, name, words, bytes) \
    sources.push_back(Source{name, words, bytes, Pattern(stall, seed * 1024 + stream++), read_file(folder + name + ".words")});
    INPUT_PORTS(ADD_SOURCE)
#define ADD_SINK(prefix, name, words, bytes) \
    sinks.push_back(Sink{name, words, bytes, Pattern(stall, seed * 1024 + stream++)});
    OUTPUT_PORTS(ADD_SINK)
    size_t expected = 0;
    for (Source& source : sources) {
        source.count = samples * source.words_per_sample;
        if (source.words.size() != source.count * source.word_bytes) fail("wrong size of " + source.name + ".words");
    }
    for (Sink& sink : sinks) {
        expected += sink.expected = samples * sink.words_per_sample;
        sink.present.resize(sink.word_bytes);
        sink.words.reserve(sink.expected * sink.word_bytes);
        sink.cycles.reserve(sink.expected);
    }

    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vtop>(context.get(), "top");
    const auto edge = [&] {
        top->CLOCK = 1;
        top->eval();
        top->CLOCK = 0;
    };
    top->CLOCK = 0;
    top->RESET = 1;
    for (int k = 0; k < reset_cycles; ++k) {
        top->eval();
        edge();
    }
    top->RESET = 0;
#ifdef PARAMETERS
    // A byte in a cycle; then, behind the registers between the layers, a reset.
#define LOAD(prefix, name) \
    const Bytes image = read_file(folder + name + ".words"); \
    for (size_t k = 0; k < image.size() + load_cycles; ++k) { \
        top->prefix##_tvalid = k < image.size(); \
        top->prefix##_tdata = k < image.size() ? image[k] : 0; \
        top->prefix##_tlast = k + 1 == image.size(); \
        top->eval(); \
        edge(); \
    }
    PARAMETERS(LOAD)
    top->RESET = 1;
    top->eval();
    edge();
    top->RESET = 0;
#endif

    uint64_t cycle = 0, idle = 0;
    bool stopped = false;
    for (int drained = 0; drained < drain_cycles;) {
        size_t at = 0;
#define DRIVE_SOURCE(prefix, name, words, bytes) \
    sources[at++].drive(top->prefix##_tdata, top->prefix##_tvalid, top->prefix##_tlast);
        INPUT_PORTS(DRIVE_SOURCE)
        at = 0;
#define DRIVE_SINK(prefix, name, words, bytes) top->prefix##_tready = sinks[at].ready = sinks[at].pattern.willing(); ++at;
        OUTPUT_PORTS(DRIVE_SINK)
        top->eval();
        bool moved = false;
        at = 0;
#define SETTLE_SOURCE(prefix, name, words, bytes) moved |= sources[at++].settle(cycle, top->prefix##_tready);
        INPUT_PORTS(SETTLE_SOURCE)
        at = 0;
#define SETTLE_SINK(prefix, name, words, bytes) \
    moved |= sinks[at++].settle(cycle, top->prefix##_tdata, top->prefix##_tvalid, top->prefix##_tlast);
        OUTPUT_PORTS(SETTLE_SINK)
        idle = moved ? 0 : idle + 1;
        size_t taken = 0;
        for (const Sink& sink : sinks) taken += sink.taken;
        if (taken == expected) {
            ++drained;
        } else if (idle > patience) {
            stopped = true;
            break;
        }
        edge();
        if (++cycle % progress_cycles == 0)
            std::ofstream(folder + "progress") << static_cast<double>(taken) / static_cast<double>(expected);
    }

    std::string violations;
    for (const Source& source : sources) write_cycles(folder + source.name + ".cycles", source.first_accepted);
    for (const Sink& sink : sinks) {
        write_file(folder + sink.name + ".words", sink.words.data(), sink.words.size());
        write_cycles(folder + sink.name + ".cycles", sink.cycles);
        for (const std::string& text : sink.violations) violations += (violations.empty() ? "\"" : ", \"") + text + "\"";
    }
    const std::string result = "{\"cycles\": " + std::to_string(cycle) + ", \"violations\": [" + violations +
                               "], \"stopped\": " + (stopped ? "true" : "false") + "}";
    write_file(folder + "result.json", result.data(), result.size());
    return 0;
}
