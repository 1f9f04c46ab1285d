// One update of an optimiser that keeps running means of the gradient and of its square (Adam and its kin). The hook
// `change` says what is taken from a parameter.
const WORKGROUP_SIZE: u32 = 64u;

struct Params {
  count: u32,
  beta1: f32,
  beta2: f32,
  // 1 - beta, which float32 would lose digits of.
  complement1: f32,
  complement2: f32,
}

@group(0) @binding(0) var<storage, read> p: array<f32>;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read> m: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read_write> nextP: array<f32>;
@group(0) @binding(5) var<storage, read_write> nextM: array<f32>;
@group(0) @binding(6) var<storage, read_write> nextV: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn change(before: f32, slope: f32, mean: f32, square: f32) -> f32 {
  return mean;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index >= params.count) {
    return;
  }
  let slope = g[index];
  let mean = params.beta1 * m[index] + params.complement1 * slope;
  let square = params.beta2 * v[index] + params.complement2 * slope * slope;
  nextM[index] = mean;
  nextV[index] = square;
  let before = p[index];
  nextP[index] = before - change(before, slope, mean, square);
}
