// Loss of each row of logits: log of the summed exponentials minus the logit of the label, both relative to the
// largest logit. See src/kernels/row-kernels.ts for LANES and ROWS.
const LANES: u32 = 64u;
const ROWS: u32 = 1u;
const LOWEST: f32 = -3.4028234e38;

struct Params {
  rows: u32,
  classes: u32,
  ignore: i32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> lanes: array<f32, LANES * ROWS>;

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
  let start = min(row, params.rows - 1u) * params.classes;
  let end = start + params.classes;
  var largest = LOWEST;
  for (var i = start + local.x; i < end; i += LANES) {
    largest = max(largest, logits[i]);
  }
  largest = largestOfRow(largest, local);
  var sum = 0.0;
  for (var i = start + local.x; i < end; i += LANES) {
    sum += exp(logits[i] - largest);
  }
  sum = sumOfRow(sum, local);
  if (local.x == 0u && row < params.rows) {
    let label = labels[row];
    // As unsigned, a negative label is a large one, no class either.
    if (label == params.ignore || u32(label) >= params.classes) {
      losses[row] = 0.0;
    } else {
      losses[row] = log(sum) + (largest - logits[start + u32(label)]);
    }
  }
}
