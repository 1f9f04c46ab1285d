// y = (x - mean) / sqrt(variance + epsilon) * scale + offset, per channel (the last axis).
const WORKGROUP_SIZE: u32 = 64u;
const SCALED: u32 = 1u;

struct Params {
  count: u32,
  channels: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> mean: array<f32>;
@group(0) @binding(2) var<storage, read> variance: array<f32>;
@group(0) @binding(3) var<storage, read> offset: array<f32>;
@group(0) @binding(4) var<storage, read> scale: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index >= params.count) {
    return;
  }
  let channel = index % params.channels;
  var factor = 1.0 / sqrt(variance[channel] + params.epsilon);
  if (SCALED == 1u) {
    factor *= scale[channel];
  }
  y[index] = (x[index] - mean[channel]) * factor + offset[channel];
}
