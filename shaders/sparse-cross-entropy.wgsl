// Hook of row-reduction.wgsl over softmax-sum.wgsl: the loss of each row of logits x, the logarithm of the summed
// exponentials minus the logit of the label, both relative to the largest logit.
struct Partial {
  largest: f32,
  sum: f32,
}

struct Params {
  rows: u32,
  columns: u32,
  ignore: i32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn finish(row: u32, lane: u32, whole: Partial) {
  if (lane != 0u) {
    return;
  }
  let label = labels[row];
  // As unsigned, a negative label is a large one, no class either.
  if (label == params.ignore || u32(label) >= params.columns) {
    losses[row] = 0.0;
  } else {
    losses[row] = log(whole.sum) + (whole.largest - x[row * params.columns + u32(label)]);
  }
}
