// Softmax of each row of x, relative to its largest element; the hook `finish` makes it log-softmax.
// See src/kernels/row-kernels.ts for LANES and ROWS.
const LANES: u32 = 64u;
const ROWS: u32 = 1u;
const LOWEST: f32 = -3.4028234e38;

struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> lanes: array<f32, LANES * ROWS>;

fn finish(shifted: f32, sum: f32) -> f32 {
  return exp(shifted) / sum;
}

fn largestOfRow(value: f32, local: vec3<u32>) -> f32 {
  if (LANES == 1u) {
    return value;
  }
  let slot = local.y * LANES + local.x;
  lanes[slot] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local.x < half) {
      lanes[slot] = max(lanes[slot], lanes[slot + half]);
    }
    workgroupBarrier();
  }
  let result = lanes[local.y * LANES];
  workgroupBarrier();
  return result;
}

fn sumOfRow(value: f32, local: vec3<u32>) -> f32 {
  if (LANES == 1u) {
    return value;
  }
  let slot = local.y * LANES + local.x;
  lanes[slot] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local.x < half) {
      lanes[slot] += lanes[slot + half];
    }
    workgroupBarrier();
  }
  return lanes[local.y * LANES];
}

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let row = (group.x + group.y * groups.x) * ROWS + local.y;
  // Rows past the end recompute the last one: all invocations must reach the barriers.
  let start = min(row, params.rows - 1u) * params.columns;
  let end = start + params.columns;
  var largest = LOWEST;
  for (var i = start + local.x; i < end; i += LANES) {
    largest = max(largest, x[i]);
  }
  largest = largestOfRow(largest, local);
  var sum = 0.0;
  for (var i = start + local.x; i < end; i += LANES) {
    sum += exp(x[i] - largest);
  }
  sum = sumOfRow(sum, local);
  if (row >= params.rows) {
    return;
  }
  for (var i = start + local.x; i < end; i += LANES) {
    y[i] = finish(x[i] - largest, sum);
  }
}
