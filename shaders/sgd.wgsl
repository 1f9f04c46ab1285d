// One update of gradient descent with momentum.
const WORKGROUP_SIZE: u32 = 64u;

struct Params {
  count: u32,
  learningRate: f32,
  momentum: f32,
}

@group(0) @binding(0) var<storage, read> p: array<f32>;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read> velocity: array<f32>;
@group(0) @binding(3) var<storage, read_write> nextP: array<f32>;
@group(0) @binding(4) var<storage, read_write> nextVelocity: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index >= params.count) {
    return;
  }
  let step = params.momentum * velocity[index] - params.learningRate * g[index];
  nextVelocity[index] = step;
  nextP[index] = p[index] + step;
}
