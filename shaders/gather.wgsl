// Row ids[n] of the table becomes row n of y; an id outside the table gives zeros. Elements move as bits.
const WORKGROUP_SIZE: u32 = 64u;

struct Params {
  count: u32,
  width: u32,
  rows: u32,
}

// Bound as unsigned: a negative id is then a large one, outside the table too.
@group(0) @binding(0) var<storage, read> rowTable: array<u32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (index >= params.count) {
    return;
  }
  let row = ids[index / params.width];
  if (row < params.rows) {
    y[index] = rowTable[row * params.width + index % params.width];
  } else {
    y[index] = 0u;
  }
}
