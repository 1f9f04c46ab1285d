// Hook of row-reduction.wgsl: the loss of each row of logits x, the logarithm of the summed exponentials minus the logit
// of the label, or with smoothing the mean of all logits for a part of it; all relative to the largest logit.
const LANES: u32 = 64u;

struct Partial {
  largest: f32,
  // Of the exponentials relative to the largest, as in softmax-sum.wgsl.
  sum: f32,
  // Of the logits.
  total: f32,
}

struct Params {
  columns: u32,
  ignore: i32,
  smoothing: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn walk(row: u32, lane: u32) -> Partial {
  let start = row * params.columns;
  // Any element will do to begin with; a lane without one of its own takes the last.
  var partial = Partial(x[start + min(lane, params.columns - 1u)], 0.0, 0.0);
  for (var column = lane; column < params.columns; column += LANES) {
    let element = x[start + column];
    let smaller = exp(-abs(element - partial.largest));
    partial.total += element;
    if (element > partial.largest) {
      partial.largest = element;
      partial.sum = partial.sum * smaller + 1.0;
    } else {
      partial.sum += smaller;
    }
  }
  return partial;
}

fn combine(a: Partial, b: Partial) -> Partial {
  let largest = max(a.largest, b.largest);
  let sum = a.sum * exp(a.largest - largest) + b.sum * exp(b.largest - largest);
  return Partial(largest, sum, a.total + b.total);
}

fn finish(row: u32, lane: u32, whole: Partial) {
  if (lane != 0u) {
    return;
  }
  let label = labels[row];
  // As unsigned, a negative label is a large one, no class either.
  if (label == params.ignore || u32(label) >= params.columns) {
    losses[row] = 0.0;
  } else {
    let below = whole.largest - x[row * params.columns + u32(label)];
    let mean = whole.largest - whole.total / f32(params.columns);
    losses[row] = log(whole.sum) + below + params.smoothing * (mean - below);
  }
}
