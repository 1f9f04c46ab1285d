// Hook of row-reduction.wgsl over softmax-sum.wgsl: the softmax of each row of x, or its logarithm.
const LANES: u32 = 64u;
const LOGARITHM: bool = false;

struct Partial {
  largest: f32,
  sum: f32,
}

struct Params {
  columns: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn finish(row: u32, lane: u32, whole: Partial) {
  let start = row * params.columns;
  let logarithm = log(whole.sum);
  for (var column = lane; column < params.columns; column += LANES) {
    let shifted = x[start + column] - whole.largest;
    if (LOGARITHM) {
      y[start + column] = shifted - logarithm;
    } else {
      y[start + column] = exp(shifted) / whole.sum;
    }
  }
}
