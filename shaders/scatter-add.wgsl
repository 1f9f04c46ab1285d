// Adds row n of the updates to row ids[n] of a table of zeros. An invocation owns a column of the table and walks the
// ids in order: deterministic, without float atomics, and neighbours touch neighbouring memory.
const WORKGROUP_SIZE: u32 = 64u;

struct Params {
  ids: u32,
  width: u32,
  rows: u32,
}

// Bound as unsigned: a negative id is then a large one, outside the table too.
@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read> updates: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let column = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (column >= params.width) {
    return;
  }
  for (var row = 0u; row < params.rows; row++) {
    y[row * params.width + column] = 0.0;
  }
  for (var n = 0u; n < params.ids; n++) {
    let row = ids[n];
    if (row < params.rows) {
      y[row * params.width + column] += updates[n * params.width + column];
    }
  }
}
