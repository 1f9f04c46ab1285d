// y = the first column at which the running sum of a row of p exceeds u times the row's sum. One invocation walks a row.
const WORKGROUP_SIZE: u32 = 64u;

struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<storage, read> p: array<f32>;
@group(0) @binding(1) var<storage, read> u: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<i32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = id.x + id.y * groups.x * WORKGROUP_SIZE;
  if (row >= params.rows) {
    return;
  }
  let start = row * params.columns;
  var total = 0.0;
  for (var i = 0u; i < params.columns; i++) {
    total += p[start + i];
  }
  let wanted = u[row] * total;
  var sum = 0.0;
  var chosen = 0u;
  for (var i = 0u; i < params.columns; i++) {
    let share = p[start + i];
    if (share > 0.0) {
      chosen = i;
    }
    sum += share;
    if (sum > wanted) {
      break;
    }
  }
  y[row] = i32(chosen);
}
