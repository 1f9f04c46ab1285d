// Hook of row-reduction.wgsl: the sum of a row's exponentials relative to its largest element, so that none overflows,
// in one walk: where a larger element comes, the sum so far is scaled to it (Milakov and Gimelshein 2018).
const LANES: u32 = 64u;

struct Partial {
  largest: f32,
  sum: f32,
}

struct Params {
  columns: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn walk(row: u32, lane: u32) -> Partial {
  let start = row * params.columns;
  // Any element will do to begin with; a lane without one of its own takes the last.
  var partial = Partial(x[start + min(lane, params.columns - 1u)], 0.0);
  for (var column = lane; column < params.columns; column += LANES) {
    let element = x[start + column];
    let smaller = exp(-abs(element - partial.largest));
    if (element > partial.largest) {
      partial = Partial(element, partial.sum * smaller + 1.0);
    } else {
      partial.sum += smaller;
    }
  }
  return partial;
}

fn combine(a: Partial, b: Partial) -> Partial {
  let largest = max(a.largest, b.largest);
  return Partial(largest, a.sum * exp(a.largest - largest) + b.sum * exp(b.largest - largest));
}
