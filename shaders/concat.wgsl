// Writes one input, as rows of `width` elements, into the columns from `offset` on of an output with rows of `total`.
// One launch per input, so their number is free. Elements move as bits.
const WORKGROUP_SIZE: u32 = 64u;

struct Params {
  count: u32,
  width: u32,
  total: u32,
  offset: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index >= params.count) {
    return;
  }
  let row = index / params.width;
  y[row * params.total + params.offset + index % params.width] = x[index];
}
