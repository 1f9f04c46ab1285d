// Zeroes elements whose hash, of key and position, is below the threshold, and scales the others.
const WORKGROUP_SIZE: u32 = 64u;

struct Params {
  count: u32,
  scale: f32,
  key0: u32,
  key1: u32,
  threshold: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

// Jarzynski and Olano, Hash Functions for GPU Rendering, JCGT 9(3), 2020.
fn pcg(value: u32) -> u32 {
  let state = value * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index >= params.count) {
    return;
  }
  let hash = pcg(pcg(index ^ params.key0) ^ params.key1);
  y[index] = select(x[index] * params.scale, 0.0, hash < params.threshold);
}
