// Trains one small network from its first update to its last, with weights and moments in the processor's cache.
//
// Matrices are stored in panels of 16 columns: all rows of columns 0 to 15, then those of 16 to 31, and so on. What is missing
// of the last panel is 0 and stays 0: its gradients are 0. A sum over k runs in the order of k whatever the width of a vector.
// The vectors are those of GCC and Clang; kernel.py compiles this for the processor it finds.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#if defined(__AVX512F__)
constexpr int LANES = 16, TALL = 14;
#elif defined(__AVX__)
constexpr int LANES = 8, TALL = 6;
#elif defined(__aarch64__)
constexpr int LANES = 4, TALL = 6;
#else
constexpr int LANES = 4, TALL = 3;
#endif
constexpr int PANEL = 16, PARTS = PANEL / LANES;
constexpr float BETA1 = 0.9f, BETA2 = 0.999f, EPSILON = 1e-8f;  // of AdamW, torch's own
constexpr float NORM_EPSILON = 1e-6f;                            // as in towers.py
typedef float Vec __attribute__((vector_size(4 * LANES), may_alias));
typedef int32_t Mask __attribute__((vector_size(4 * LANES), may_alias));
typedef uint32_t Bits __attribute__((vector_size(4 * LANES), may_alias));

static inline int padded(int n) { return (n + PANEL - 1) / PANEL * PANEL; }
static inline Vec& at(float* p) { return *(Vec*)p; }
static inline const Vec& at(const float* p) { return *(const Vec*)p; }
static inline Vec where(Mask mask, Vec x) { return (Vec)((Mask)x & mask); }
static inline Vec rectified(Vec x) { return where(~(x <= 0), x); }  // NaN stays NaN

extern "C" {
// all fields have eight bytes; kernel.py mirrors both
struct Domain {                     // values of one kind, learned by a head of their own
  const int32_t *first, *second;    // (size) rows of X: the material, or the two of a pair
  const float *conditions, *goals;  // (size, conditions) and (size), scaled
  const int32_t* batches;           // (steps, batch) positions below size
  int64_t batch;
  double share;  // of its mean squared error in the loss
};
struct Job {
  const float *X, *shift, *factor;  // (materials, columns), and (columns) twice
  const int32_t *tower, *head;      // widths of the layers; a head's last one, of 1, is not listed
  const Domain* domains;
  const uint32_t* random;  // (4, 16) state of the generator of dropout
  int64_t materials, columns, layers, head_layers, domain_count, steps;
  int64_t pairs;               // 1: the squared difference of two materials goes to the head; 0: one material does
  int64_t at_tower, at_head;   // how many conditions enter the first layer and the head
  int64_t norm;                // 1: the root of the sum of the squares
  double low, high;            // where scaled inputs are clipped
  double learning_rate, weight_decay, dropout;
};
}

namespace {
// numbers below 1e-38 are 0 here, and what they were to the caller afterwards
struct FlushDenormals {
#if defined(__x86_64__)
  unsigned before = _mm_getcsr();
  FlushDenormals() { _mm_setcsr(before | 0x8040); }
  ~FlushDenormals() { _mm_setcsr(before); }
#elif defined(__aarch64__)
  uint64_t before;
  FlushDenormals() {
    asm volatile("mrs %0, fpcr" : "=r"(before));
    asm volatile("msr fpcr, %0" : : "r"(before | (1u << 24)));
  }
  ~FlushDenormals() { asm volatile("msr fpcr, %0" : : "r"(before)); }
#endif
};

template <class T>
struct Buffer {
  T* p;
  explicit Buffer(size_t n) {
    size_t bytes = (n * sizeof(T) + 127) / 64 * 64;
    p = (T*)aligned_alloc(64, bytes);
    memset((void*)p, 0, bytes);
  }
  Buffer(Buffer&& other) : p(other.p) { other.p = nullptr; }
  ~Buffer() { free(p); }
  operator T*() { return p; }
};

// xoshiro128+ (Blackman & Vigna 2021), 16 side by side
struct Random {
  Bits s[4][PARTS];
  explicit Random(const uint32_t* state) { memcpy((void*)s, state, sizeof s); }
  Bits operator()(int q) {
    Bits result = s[0][q] + s[3][q], t = s[1][q] << 9;
    s[2][q] ^= s[0][q];
    s[3][q] ^= s[1][q];
    s[1][q] ^= s[2][q];
    s[0][q] ^= s[3][q];
    s[2][q] ^= t;
    s[3][q] = (s[3][q] << 11) | (s[3][q] >> 21);
    return result;
  }
};

// c (M rows, one panel) = sum over k of a(i, k) b(k), for `runs` stretches of `length` k; a(i, k) = a[i * ROW + k * STEP]
template <int M, int ROW, int STEP>
inline void tile(const float* a, int runs, long jump, int length, const float* b, float* c) {
  Vec sum[M][PARTS] = {};
  for (int run = 0; run < runs; run++, a += jump) {
    const float* x = a;
    for (int k = 0; k < length; k++, x += STEP, b += PANEL) {
      Vec v[PARTS];
      for (int q = 0; q < PARTS; q++) v[q] = at(b + q * LANES);
#pragma GCC unroll 16
      for (int i = 0; i < M; i++)
        for (int q = 0; q < PARTS; q++) sum[i][q] += x[i * ROW] * v[q];
    }
  }
  for (int i = 0; i < M; i++)
    for (int q = 0; q < PARTS; q++) at(c + i * PANEL + q * LANES) = sum[i][q];
}

// the same for up to M rows
template <int M, int ROW, int STEP>
inline void tiles(int rows, const float* a, int runs, long jump, int length, const float* b, float* c) {
  if (rows == M) return tile<M, ROW, STEP>(a, runs, jump, length, b, c);
  if constexpr (M > 1) tiles<M - 1, ROW, STEP>(rows, a, runs, jump, length, b, c);
}

// one panel of C (rows) = A (rows, K) times one panel of B (K); K is a multiple of 16, `stride` the rows of A's panels
void product(const float* a, long stride, int rows, int K, const float* b, float* c) {
  for (int r = 0, left = (rows + TALL - 1) / TALL; r < rows; left--) {
    int take = (rows - r + left - 1) / left;
    tiles<TALL, PANEL, 1>(take, a + r * PANEL, K / PANEL, stride * PANEL, PANEL, b, c + r * PANEL);
    r += take;
  }
}

// one panel of C (K) = A (rows, K) transposed times one panel of B (rows)
void outer_product(const float* a, long stride, int rows, int K, const float* b, float* c) {
  constexpr int MOST = TALL > PANEL / 2 ? PANEL / 2 : TALL;
  for (int panel = 0; panel * PANEL < K; panel++) {
    int wide = std::min(PANEL, K - panel * PANEL);
    for (int k = 0, left = (wide + MOST - 1) / MOST; k < wide; left--) {
      int take = (wide - k + left - 1) / left;
      tiles<MOST, 1, PANEL>(take, a + panel * stride * PANEL + k, 1, 0, rows, b, c + (panel * PANEL + k) * PANEL);
      k += take;
    }
  }
}

struct Layer {
  int in, out;
  size_t weight, bias, end;  // places among the parameters
  int high() const { return padded(in); }
  int wide() const { return padded(out); }
  Layer(int in_, int out_, size_t start) : in(in_), out(out_), weight(start) {
    bias = weight + (size_t)high() * wide();
    end = bias + wide();
  }
};

struct Network {
  const Job& job;
  std::vector<Layer> tower;
  std::vector<std::vector<Layer>> heads;
  int extra;           // rows of the first layer beyond the descriptors: which of the two it is, and conditions
  size_t first_extra;  // their place
  size_t count;        // of parameters, padded

  explicit Network(const Job& j) : job(j) {
    size_t end = 0;
    int in = (int)j.columns;
    for (int l = 0; l < j.layers; l++, in = tower.back().out, end = tower.back().end) tower.emplace_back(in, j.tower[l], end);
    extra = j.pairs ? 1 + (int)j.at_tower : 0;
    first_extra = end;
    end += (size_t)extra * tower[0].wide();
    for (int d = 0; d < j.domain_count; d++) {
      heads.emplace_back();
      in = separation();
      for (int l = 0; l <= j.head_layers; l++, in = heads[d].back().out, end = heads[d].back().end)
        heads[d].emplace_back(in, l < j.head_layers ? j.head[l] : 1, end);
    }
    count = end;
  }
  int separation() const { return (job.norm ? 1 : tower.back().out) + (int)job.at_head; }

  // torch's order, (inputs, outputs) of each weight and then its bias, from or to the panels
  void copy(float* plain, float* own, bool out) const {
    auto number = [&](float& mine) {
      if (out) *plain++ = mine;
      else mine = *plain++;
    };
    auto layer = [&](const Layer& l, int more) {
      for (int i = 0; i < l.in; i++)
        for (int o = 0; o < l.out; o++)
          number(own[l.weight + ((size_t)(o / PANEL) * l.high() + i) * PANEL + o % PANEL]);
      for (int i = 0; i < more; i++)
        for (int o = 0; o < l.out; o++) number(own[first_extra + (size_t)i * l.wide() + o]);
      for (int o = 0; o < l.out; o++) number(own[l.bias + o]);
    };
    for (size_t l = 0; l < tower.size(); l++) layer(tower[l], l ? 0 : extra);
    for (auto& head : heads)
      for (auto& l : head) layer(l, 0);
  }
};

struct Trainer {
  const Job& job;
  Network net;
  int batch, rows;  // of all domains; materials, so twice that for pairs
  long deep, tall;  // rows of their panels in memory, where those of a row must not share the sets of the L1 cache
  Buffer<float> p, m, s;
  float* gradients = nullptr;  // kept here where they are asked for
  float rate = 0, root = 0, keep = 1;
  float scale;
  int32_t cut;
  Random random;
  std::vector<Buffer<float>> h;                    // outputs of the tower's layers
  std::vector<std::vector<Buffer<float>>> hidden;  // and of each head's
  Buffer<float> x, z, separated, given, back, other, transposed, slope, shift, factor;
  std::vector<float> goals;
  std::vector<int32_t> material, coming, slot, seen, place;

  static int sum_of_batches(const Job& j) {
    int all = 0;
    for (int d = 0; d < j.domain_count; d++) all += (int)j.domains[d].batch;
    return all;
  }
  static int widest(const Network& n) {
    int most = padded(n.separation());
    for (auto& l : n.tower) most = std::max(most, l.wide());
    for (auto& head : n.heads)
      for (auto& l : head) most = std::max(most, l.wide());
    return most;
  }
  static size_t largest(const Network& n) {
    size_t most = 0;
    for (auto& l : n.tower) most = std::max(most, (size_t)l.high() * l.wide());
    for (auto& head : n.heads)
      for (auto& l : head) most = std::max(most, (size_t)l.high() * l.wide());
    return most;
  }

  explicit Trainer(const Job& j)
      : job(j), net(j), batch(sum_of_batches(j)), rows((j.pairs ? 2 : 1) * batch), deep((batch + 3) | 1),
        tall((rows + 3) | 1), p(net.count), m(net.count), s(net.count),
        scale(j.dropout > 0 ? (float)(1 / (1 - j.dropout)) : 1.f), cut((int32_t)std::lround(j.dropout * (1 << 24))),
        random(j.random), x((size_t)tall * padded((int)j.columns)), z(j.pairs ? (size_t)tall * net.tower[0].wide() : 0),
        separated(j.pairs ? (size_t)deep * padded(net.separation()) : 0),
        given((size_t)batch * (j.at_tower + j.at_head)), back((size_t)tall * widest(net)), other((size_t)tall * widest(net)),
        transposed(largest(net)), slope((size_t)PANEL * (widest(net) + padded((int)j.columns))), shift(padded((int)j.columns)),
        factor(padded((int)j.columns)), goals(batch), material(rows), coming(rows), slot(rows), seen(j.pairs ? j.materials : 0, -1),
        place(j.pairs ? j.materials : 0) {
    for (auto& l : net.tower) h.emplace_back((size_t)tall * l.wide());
    for (int d = 0; d < j.domain_count; d++) {
      hidden.emplace_back();
      for (auto& l : net.heads[d]) hidden[d].emplace_back((size_t)j.domains[d].batch * l.wide());
    }
    memcpy(shift.p, j.shift, j.columns * 4);
    memcpy(factor.p, j.factor, j.columns * 4);
  }

  // ---- AdamW (Loshchilov & Hutter 2019)
  void update(size_t place, const float* gradient, size_t n, bool weight) {
    if (gradients) memcpy(gradients + place, gradient, n * 4);
    const float* __restrict g = (const float*)__builtin_assume_aligned(gradient, 64);
    float* __restrict w = (float*)__builtin_assume_aligned(p + place, 64);
    float* __restrict mean = (float*)__builtin_assume_aligned(m + place, 64);
    float* __restrict square = (float*)__builtin_assume_aligned(s + place, 64);
    const float held = weight ? keep : 1.f, a = rate, b = root;
    for (size_t i = 0; i < n; i++) {
      float first = mean[i] + (1 - BETA1) * (g[i] - mean[i]), second = BETA2 * square[i] + (1 - BETA2) * g[i] * g[i];
      mean[i] = first;
      square[i] = second;
      w[i] = w[i] * held - a * first / (std::sqrt(second) * b + EPSILON);
    }
  }

  // ---- forward
  // one row of X, scaled and clipped, into the panels of x
  void take(int row, int from) {
    const float* in = job.X + (size_t)from * job.columns;
    const float low = (float)job.low, high = (float)job.high;
    for (int c = 0; c < job.columns; c += PANEL) {
      float* out = x + ((size_t)c * tall + (size_t)row * PANEL);
      auto one = [&](int i) { out[i] = std::min(std::max((in[c + i] - shift[c + i]) * factor[c + i], low), high); };
      if (c + PANEL <= job.columns)
        for (int i = 0; i < PANEL; i++) one(i);
      else
        for (int i = 0; i < job.columns - c; i++) one(i);
    }
  }

  Vec dropped(Vec v, int q) {
    Mask kept = (Mask)(random(q) >> 8) >= cut;
    return where(kept, v * scale);
  }

  // ReLU of a panel plus its bias; with dropout where `drops`
  void activate(float* panel, int n, const float* bias, bool drops) {
    for (int q = 0; q < PARTS; q++) {
      Vec b = at(bias + q * LANES);
      float* c = panel + q * LANES;
      if (drops)
        for (int r = 0; r < n; r++) at(c + r * PANEL) = dropped(rectified(at(c + r * PANEL) + b), q);
      else
        for (int r = 0; r < n; r++) at(c + r * PANEL) = rectified(at(c + r * PANEL) + b);
    }
  }

  void add(float* panel, int n, const float* bias) {
    for (int r = 0; r < n; r++)
      for (int q = 0; q < PARTS; q++) at(panel + r * PANEL + q * LANES) += at(bias + q * LANES);
  }

  // the first layer of pairs: what the molecules give was computed once for each distinct one
  void spread(bool last) {
    const Layer& l = net.tower[0];
    const bool drops = job.dropout > 0;
    for (int j = 0; j < l.wide(); j += PANEL) {
      const float* in = z + (size_t)j * tall;
      float* out = h[0] + (size_t)j * tall;
      const float* more = p + net.first_extra + j;
      for (int r = 0; r < rows; r++) {
        const int pair = r < batch ? r : r - batch;
        for (int q = 0; q < PARTS; q++) {
          Vec v = at(in + (size_t)slot[r] * PANEL + q * LANES) + at(p + l.bias + j + q * LANES);
          if (r < batch) v += at(more + q * LANES);
          for (int c = 0; c < job.at_tower; c++) v += given[pair * job.at_tower + c] * at(more + (1 + c) * l.wide() + q * LANES);
          if (!last) v = drops ? dropped(rectified(v), q) : rectified(v);
          at(out + r * PANEL + q * LANES) = v;
        }
      }
    }
  }

  // (h_a - h_b)^2 or the root of its sum, and the conditions beside it
  void separate() {
    const int latent = net.tower.back().wide();
    const float* top = h.back();
    if (job.norm) {
      for (int r = 0; r < batch; r++) {
        float sum = NORM_EPSILON;
        for (int c = 0; c < net.tower.back().out; c++) {
          const float* v = top + (size_t)(c / PANEL) * tall * PANEL + c % PANEL;
          float d = v[r * PANEL] - v[(r + batch) * PANEL];
          sum += d * d;
        }
        separated[r * PANEL] = std::sqrt(sum);
      }
    } else {
      for (int j = 0; j < latent; j += PANEL)
        for (int i = 0; i < batch * PANEL; i += LANES) {
          Vec d = at(top + (size_t)j * tall + i) - at(top + (size_t)j * tall + batch * PANEL + i);
          at(separated + (size_t)j * deep + i) = d * d;
        }
    }
    for (int c = 0; c < job.at_head; c++) {
      const int column = net.separation() - (int)job.at_head + c;
      float* out = separated + (size_t)(column / PANEL) * deep * PANEL + column % PANEL;
      for (int r = 0; r < batch; r++) out[r * PANEL] = given[r * job.at_head + c];
    }
  }

  // ---- backward
  void transpose(const Layer& l) {
    for (int k = 0; k < l.high(); k += PANEL)
      for (int n = 0; n < l.wide(); n += PANEL) {
        const float* in = p + l.weight + (size_t)n * l.high() + (size_t)k * PANEL;
        float* out = transposed + (size_t)k * l.wide() + (size_t)n * PANEL;
        for (int i = 0; i < PANEL; i++)
          for (int o = 0; o < PANEL; o++) out[i * PANEL + o] = in[o * PANEL + i];
      }
  }

  // by the gradient `d` (n rows, panels of `wide` rows) of a layer's output: that of its input `a` into `down` if there is one,
  // through the ReLU and dropout that made `a` where `active`; then the update of the layer
  void learn(const Layer& l, const float* a, long high, const float* d, long wide, int n, float* down, bool active, float factor_) {
    if (down) {
      transpose(l);
      for (int k = 0; k < l.high(); k += PANEL) {
        float* out = down + (size_t)k * high;
        const float* made = a + (size_t)k * high;
        product(d, wide, n, l.wide(), transposed + (size_t)k * l.wide(), out);
        if (active)
          for (int i = 0; i < n * PANEL; i += LANES) at(out + i) = where(at(made + i) > 0, at(out + i) * factor_);
      }
    }
    alignas(64) float sum[PANEL];
    memset(slope + (size_t)l.in * PANEL, 0, (size_t)(l.high() - l.in) * PANEL * 4);
    for (int j = 0; j < l.wide(); j += PANEL) {
      const float* column = d + (size_t)j * wide;
      outer_product(a, high, n, l.in, column, slope);
      update(l.weight + (size_t)j * l.high(), slope, (size_t)l.high() * PANEL, true);
      for (int q = 0; q < PARTS; q++) {
        Vec total = {};
        for (int r = 0; r < n; r++) total += at(column + r * PANEL + q * LANES);
        at(sum + q * LANES) = total;
      }
      update(l.bias + j, sum, PANEL, false);
    }
  }

  // the gradient at the separation -> at the outputs of the tower
  void unite(const float* d, float* out) {
    const int latent = net.tower.back().wide();
    const float* top = h.back();
    for (int j = 0; j < latent; j += PANEL)
      for (int r = 0; r < batch; r++)
        for (int q = 0; q < PARTS; q++) {
          const size_t i = (size_t)j * tall + r * PANEL + q * LANES;
          Vec difference = at(top + i) - at(top + i + batch * PANEL), slope_ = difference;
          if (job.norm) slope_ *= d[r * PANEL] / separated[r * PANEL];
          else slope_ *= 2 * at(d + (size_t)j * deep + r * PANEL + q * LANES);
          at(out + i) = slope_;
          at(out + i + batch * PANEL) = -slope_;
        }
  }

  // the gradient of the first layer's output by pairs -> by distinct molecules, in z; and the update of the extra rows
  void gather(const float* d, int distinct) {
    const Layer& l = net.tower[0];
    const int wide = l.wide();
    for (int j = 0; j < wide; j += PANEL) {
      float* out = z + (size_t)j * tall;
      const float* in = d + (size_t)j * tall;
      memset(out, 0, (size_t)distinct * PANEL * 4);
      for (int q = 0; q < PARTS; q++) {
        Vec flag = {}, by[8] = {};
        for (int r = 0; r < rows; r++) {
          Vec g = at(in + r * PANEL + q * LANES);
          at(out + (size_t)slot[r] * PANEL + q * LANES) += g;
          if (r < batch) flag += g;
          const int pair = r < batch ? r : r - batch;
          for (int c = 0; c < job.at_tower; c++) by[c] += given[pair * job.at_tower + c] * g;
        }
        at(slope + j + q * LANES) = flag;
        for (int c = 0; c < job.at_tower; c++) at(slope + (1 + c) * wide + j + q * LANES) = by[c];
      }
    }
    update(net.first_extra, slope, (size_t)net.extra * wide, true);
  }

  // ---- one update; returns the loss
  double step(int t) {
    int distinct = 0;
    for (int d = 0, r = 0; d < job.domain_count; d++) {
      const Domain& own = job.domains[d];
      const int32_t* which = own.batches + (size_t)t * own.batch;
      for (int b = 0; b < own.batch; b++, r++) {
        const int i = which[b];
        const int next = t + 1 < job.steps ? which[b + own.batch] : i;
        goals[r] = own.goals[i];
        material[r] = own.first[i];
        coming[r] = own.first[next];
        if (!job.pairs) continue;
        material[r + batch] = own.second[i];
        coming[r + batch] = own.second[next];
        const int c = (int)(job.at_tower + job.at_head);
        memcpy(given + r * c, own.conditions + (size_t)i * c, c * 4);
      }
    }
    for (int r = 0; r < rows; r++) {
      const int i = material[r];
      // the next update's row is on its way meanwhile
      const float* next = job.X + (size_t)coming[r] * job.columns;
      for (int c = 0; c < job.columns; c += PANEL) __builtin_prefetch(next + c, 0, 2);
      if (!job.pairs) {
        take(r, i);
        continue;
      }
      if (seen[i] != t) {
        seen[i] = t;
        take(place[i] = distinct++, i);
      }
      slot[r] = place[i];
    }

    const int layers = (int)job.layers;
    const bool drops = job.dropout > 0;
    for (int l = 0; l < layers; l++) {
      const Layer& own = net.tower[l];
      const bool once = job.pairs && !l, linear = job.pairs && l + 1 == layers;
      float *in = l ? h[l - 1] : x, *out = once ? z : h[l];
      const int n = once ? distinct : rows;
      for (int j = 0; j < own.wide(); j += PANEL) {
        float* panel = out + (size_t)j * tall;
        product(in, tall, n, own.high(), p + own.weight + (size_t)j * own.high(), panel);
        if (once) continue;
        if (linear) add(panel, n, p + own.bias + j);
        else activate(panel, n, p + own.bias + j, drops);
      }
      if (once) spread(linear);
    }
    if (job.pairs) separate();

    const long high = job.pairs ? deep : tall;
    const int top = (int)job.head_layers;
    float *base = job.pairs ? separated : h.back(), *down = back, *spare = other;
    double loss = 0;
    for (int d = 0, r = 0; d < job.domain_count; r += (int)job.domains[d++].batch) {
      const int n = (int)job.domains[d].batch;
      auto& head = net.heads[d];
      auto input = [&](int l) { return l ? hidden[d][l - 1].p : base + r * PANEL; };
      for (int l = 0; l <= top; l++)
        for (int j = 0; j < head[l].wide(); j += PANEL) {
          float* panel = hidden[d][l] + (size_t)j * n;
          product(input(l), l ? n : high, n, head[l].high(), p + head[l].weight + (size_t)j * head[l].high(), panel);
          if (l < top) activate(panel, n, p + head[l].bias + j, false);
        }
      float* output = hidden[d][top];
      const float share = (float)job.domains[d].share, bias = p[head[top].bias];
      double sum = 0;
      for (int b = 0; b < n; b++) {
        const float error = output[b * PANEL] + bias - goals[r + b];
        sum += (double)error * error;
        output[b * PANEL] = 2 * share * error / n;
      }
      loss += share * sum / n;
      // the gradient of a layer's input replaces the input; that of the base goes to its place among all domains
      for (int l = top; l >= 0; l--) {
        if (l) {
          learn(head[l], input(l), n, hidden[d][l], n, n, spare, true, 1.f);
          memcpy(hidden[d][l - 1], spare, (size_t)n * head[l].high() * 4);
        } else {
          learn(head[0], input(0), high, hidden[d][0], n, n, down + r * PANEL, !job.pairs, scale);
        }
      }
    }
    if (job.pairs) {
      unite(down, spare);
      std::swap(down, spare);
    }
    for (int l = layers - 1; l > 0; l--) {
      learn(net.tower[l], h[l - 1], tall, down, tall, rows, spare, true, scale);
      std::swap(down, spare);
    }
    if (job.pairs) {
      gather(down, distinct);
      learn(net.tower[0], x, tall, z, tall, distinct, nullptr, false, 1.f);
    } else {
      learn(net.tower[0], x, tall, down, tall, rows, nullptr, false, 1.f);
    }
    return loss;
  }

  int64_t run() {
    double first = 1, second = 1;
    for (int t = 0; t < job.steps; t++) {
      const double lr = job.learning_rate * 0.5 * (1 + std::cos(M_PI * t / job.steps));
      first *= 0.9;
      second *= 0.999;
      rate = (float)(lr / (1 - first));
      root = (float)(1 / std::sqrt(1 - second));
      keep = (float)(1 - lr * job.weight_decay);
      if (!std::isfinite(step(t))) return t + 1;
    }
    return 0;
  }
};
}  // namespace

// Trains the network in place; `parameters` as torch orders them. With `gradients` (zeros, as many), those of the last update.
// 0, or the number of the update whose loss is not finite.
extern "C" int64_t train(const Job* job, float* parameters, float* gradients) {
  FlushDenormals flush;
  Trainer trainer(*job);
  trainer.net.copy(parameters, trainer.p, false);
  Buffer<float> kept(gradients ? trainer.net.count : 0);
  if (gradients) trainer.gradients = kept;
  const int64_t stopped = trainer.run();
  trainer.net.copy(parameters, trainer.p, true);
  if (gradients) trainer.net.copy(gradients, kept, true);
  return stopped;
}
