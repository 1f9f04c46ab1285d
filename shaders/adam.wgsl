// Hook of moments.wgsl: the change by Adam, which also takes the part `decay` of each parameter away.
struct Params {
  rate: f32,
  epsilon: f32,
  decay: f32,
}

@group(1) @binding(0) var<uniform> params: Params;

fn change(before: f32, slope: f32, mean: f32, square: f32) -> f32 {
  return params.rate * mean / (sqrt(square) + params.epsilon) + params.decay * before;
}
