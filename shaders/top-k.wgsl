// The k largest elements of each row in descending order, of equals the one of lower index first. Each round finds the
// best element that comes after the one before it in that order. See src/kernels/row-kernels.ts for LANES and ROWS.
const LANES: u32 = 64u;
const ROWS: u32 = 1u;
const LOWEST: f32 = -3.4028234e38;
const NOWHERE: u32 = 0xffffffffu;

struct Params {
  rows: u32,
  columns: u32,
  k: u32,
}

struct Candidate {
  value: f32,
  index: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> indices: array<i32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> lanes: array<Candidate, LANES * ROWS>;

fn precedes(a: Candidate, b: Candidate) -> bool {
  return a.value > b.value || (a.value == b.value && a.index < b.index);
}

fn bestOfRow(candidate: Candidate, local: vec3<u32>) -> Candidate {
  if (LANES == 1u) {
    return candidate;
  }
  let slot = local.y * LANES + local.x;
  lanes[slot] = candidate;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local.x < half && precedes(lanes[slot + half], lanes[slot])) {
      lanes[slot] = lanes[slot + half];
    }
    workgroupBarrier();
  }
  let best = lanes[local.y * LANES];
  workgroupBarrier();
  return best;
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
  var last = Candidate(0.0, NOWHERE);
  for (var round = 0u; round < params.k; round++) {
    var best = Candidate(LOWEST, NOWHERE);
    for (var column = local.x; column < params.columns; column += LANES) {
      let candidate = Candidate(x[start + column], column);
      if ((round == 0u || precedes(last, candidate)) && precedes(candidate, best)) {
        best = candidate;
      }
    }
    best = bestOfRow(best, local);
    if (local.x == 0u && row < params.rows) {
      values[row * params.k + round] = best.value;
      indices[row * params.k + round] = i32(best.index);
    }
    last = best;
  }
}
