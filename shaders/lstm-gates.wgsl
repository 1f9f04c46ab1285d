// The element-wise half of an LSTM cell: z holds the gates i, f, candidate, o side by side in each row.
const WORKGROUP_SIZE: u32 = 64u;

struct Params {
  count: u32,
  units: u32,
}

@group(0) @binding(0) var<storage, read> z: array<f32>;
@group(0) @binding(1) var<storage, read> c: array<f32>;
@group(0) @binding(2) var<storage, read_write> h: array<f32>;
@group(0) @binding(3) var<storage, read_write> next: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn activate(x: f32) -> f32 {
  return x;
}

fn recurrentActivate(x: f32) -> f32 {
  return x;
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
  let cell = f * c[index] + i * candidate;
  next[index] = cell;
  h[index] = o * activate(cell);
}
