// Hook of row-reduction.wgsl over softmax-sum.wgsl: the gradient of each row of logits x, g (softmax - one-hot of the
// label), zero in ignored rows. Smoothing gives a part of the one evenly to all classes.
const LANES: u32 = 64u;

struct Partial {
  largest: f32,
  sum: f32,
}

struct Params {
  columns: u32,
  ignore: i32,
  smoothing: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn finish(row: u32, lane: u32, whole: Partial) {
  let start = row * params.columns;
  let label = labels[row];
  // As unsigned, a negative label is a large one, no class either.
  let counts = label != params.ignore && u32(label) < params.columns;
  let scale = select(0.0, g[row] / whole.sum, counts);
  let even = select(0.0, g[row] * params.smoothing / f32(params.columns), counts);
  for (var column = lane; column < params.columns; column += LANES) {
    let hit = select(0.0, g[row] * (1.0 - params.smoothing), counts && column == u32(label));
    y[start + column] = exp(x[start + column] - whole.largest) * scale - even - hit;
  }
}
