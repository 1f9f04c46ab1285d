// Hook of row-reduction.wgsl: the k largest elements of each row in descending order, of equals the one of lower index
// first. Each round finds the best element that comes after the one before it in that order.
const LANES: u32 = 64u;
const LOWEST: f32 = -3.4028234e38;
const HIGHEST: f32 = 3.4028234e38;
const LAST: i32 = 0x7fffffff;

// An element and its column.
struct Partial {
  value: f32,
  index: i32,
}

struct Params {
  columns: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> indices: array<i32>;
@group(1) @binding(0) var<uniform> params: Params;

// What the rounds so far have found. It begins before every element, as a candidate begins behind every element.
var<private> found: u32 = 0u;
var<private> previous: Partial = Partial(HIGHEST, -1);

fn rounds() -> u32 {
  return params.k;
}

fn precedes(a: Partial, b: Partial) -> bool {
  return a.value > b.value || (a.value == b.value && a.index < b.index);
}

fn walk(row: u32, lane: u32) -> Partial {
  var best = Partial(LOWEST, LAST);
  for (var column = lane; column < params.columns; column += LANES) {
    let candidate = Partial(x[row * params.columns + column], i32(column));
    if (precedes(candidate, best) && precedes(previous, candidate)) {
      best = candidate;
    }
  }
  return best;
}

fn combine(a: Partial, b: Partial) -> Partial {
  if (precedes(b, a)) {
    return b;
  }
  return a;
}

fn finish(row: u32, lane: u32, whole: Partial) {
  if (lane == 0u) {
    values[row * params.k + found] = whole.value;
    indices[row * params.k + found] = whole.index;
  }
  previous = whole;
  found++;
}
