// Backward pass of the element-wise half of an LSTM cell; the gates are
// computed again from z.
const WORKGROUP_SIZE: u32 = 64u;

struct Params {
  count: u32,
  units: u32,
}

@group(0) @binding(0) var<storage, read> z: array<f32>;
@group(0) @binding(1) var<storage, read> c: array<f32>;
@group(0) @binding(2) var<storage, read> next: array<f32>;
@group(0) @binding(3) var<storage, read> dh: array<f32>;
@group(0) @binding(4) var<storage, read> dNext: array<f32>;
@group(0) @binding(5) var<storage, read_write> dz: array<f32>;
@group(0) @binding(6) var<storage, read_write> dc: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn activate(x: f32) -> f32 {
  return x;
}

fn activationSlope(y: f32) -> f32 {
  return 1.0;
}

fn recurrentActivate(x: f32) -> f32 {
  return x;
}

fn recurrentSlope(y: f32) -> f32 {
  return 1.0;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index >= params.count) {
    return;
  }
  let gates = index / params.units * params.units * 4u + index % params.units;
  let i = recurrentActivate(z[gates]);
  let f = recurrentActivate(z[gates + params.units]);
  let candidate = activate(z[gates + 2u * params.units]);
  let o = recurrentActivate(z[gates + 3u * params.units]);
  let out = activate(next[index]);
  let dCell = dNext[index] + dh[index] * o * activationSlope(out);
  dz[gates] = dCell * candidate * recurrentSlope(i);
  dz[gates + params.units] = dCell * c[index] * recurrentSlope(f);
  dz[gates + 2u * params.units] = dCell * i * activationSlope(candidate);
  dz[gates + 3u * params.units] = dh[index] * out * recurrentSlope(o);
  dc[index] = dCell * f;
}
