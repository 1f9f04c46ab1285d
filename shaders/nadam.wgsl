// Hook of moments.wgsl: the change by Nadam.
struct Params {
  ofGradient: f32,
  ofMean: f32,
  correction: f32,
  epsilon: f32,
}

@group(1) @binding(0) var<uniform> params: Params;

fn change(before: f32, slope: f32, mean: f32, square: f32) -> f32 {
  return (params.ofGradient * slope + params.ofMean * mean) / (sqrt(square / params.correction) + params.epsilon);
}
