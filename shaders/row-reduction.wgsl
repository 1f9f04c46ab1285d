// Rows of elements, each reduced to one Partial; hooks say what that is, how it comes about and what is written. LANES
// invocations share a row: each walks every LANES-th element of it, then they combine what they have, in an order that
// is always the same. With LANES 1 a row is an invocation's own, and there is neither memory nor a barrier between them.
// See src/kernels/parts/row-kernels.ts.
const LANES: u32 = 64u;
const ROWS: u32 = 1u;

// What is known of some elements of a row.
alias Partial = f32;

struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> partials: array<Partial, LANES * ROWS>;

// How often rows are walked and finished.
fn rounds() -> u32 {
  return 1u;
}

// Of the elements of a row that are this lane's.
fn walk(row: u32, lane: u32) -> Partial {
  var sum = 0.0;
  for (var column = lane; column < params.columns; column += LANES) {
    sum += x[row * params.columns + column];
  }
  return sum;
}

fn combine(a: Partial, b: Partial) -> Partial {
  return a + b;
}

// Given what is known of the whole row, the same in all of its lanes; hooks have the outputs and write to them here.
fn finish(row: u32, lane: u32, whole: Partial) {
}

// Eight become one at a time, since barriers cost more than additions; the last eight are combined by every lane for
// itself, which saves telling the result.
fn combineLanes(partial: Partial, local: vec3<u32>) -> Partial {
  if (LANES == 1u) {
    return partial;
  }
  let first = local.y * LANES;
  partials[first + local.x] = partial;
  workgroupBarrier();
  var count = LANES;
  for (; count > 8u; count /= 8u) {
    let folded = count / 8u;
    if (local.x < folded) {
      var combined = partials[first + local.x];
      for (var other = local.x + folded; other < count; other += folded) {
        combined = combine(combined, partials[first + other]);
      }
      partials[first + local.x] = combined;
    }
    workgroupBarrier();
  }
  var whole = partials[first];
  for (var other = 1u; other < count; other++) {
    whole = combine(whole, partials[first + other]);
  }
  return whole;
}

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let row = (group.x + group.y * groups.x) * ROWS + local.y;
  for (var round = 0u; round < rounds(); round++) {
    if (LANES > 1u && round > 0u) {
      workgroupBarrier();
    }
    // Rows past the end walk the last one: all invocations must reach the barriers.
    let whole = combineLanes(walk(min(row, params.rows - 1u), local.x), local);
    if (row < params.rows) {
      finish(row, local.x, whole);
    }
  }
}
