// The product of gemm.wgsl for software adapters with subgroups of one known size. There an invocation's load costs far
// more than a multiplication, so each element of `a` is loaded by one invocation, which passes it on to the others. A
// workgroup is one subgroup; its invocations lie side by side along the columns.
enable subgroups;

// Invocations of a subgroup, a multiple of four.
const SUBGROUP: u32 = 4u;
const TILE_ROWS: u32 = 4u;
// Columns of an invocation come in fours.
const TILE_VECTORS: u32 = 2u;
// Whether segmentStart may be negative, which stands for a row of zeros.
const GUARDED: bool = false;
// Whether the depth is no multiple of SUBGROUP.
const TAIL: bool = false;

// All from here to elementsOfA is replaced by gemm-operands.wgsl, which explains it.
struct Params {
  batches: u32,
  rows: u32,
  segments: u32,
  depth: u32,
  rowGroups: u32,
  columnGroups: u32,
  bDepth: u32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Params;

struct Row {
  start: i32,
}

fn rowOf(batch: u32, row: u32) -> Row {
  return Row(i32(row * params.depth));
}

fn segmentStart(row: Row, segment: u32) -> i32 {
  return row.start;
}

fn loadA(start: u32, depth: u32) -> vec4<f32> {
  return a[(start + depth) / 4u];
}

fn columnStart(batch: u32, segment: u32, vector: u32) -> u32 {
  return vector;
}

fn readB(start: u32, vector: u32) -> vec4<f32> {
  return vec4<f32>();
}

fn writeY(batch: u32, row: u32, vector: u32, sum: vec4<f32>) {
}

// Four elements of a row from `depth` on; zeros past the end of the segment, and where the row starts nowhere.
fn elementsOfA(start: i32, depth: u32) -> vec4<f32> {
  let elements = loadA(u32(max(start, 0)), depth);
  var there = vec4<bool>(!GUARDED || start >= 0);
  if (TAIL) {
    there = there & (vec4<u32>(depth) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(params.depth));
  }
  return select(vec4<f32>(), elements, there);
}

// The next step in depth of `b`. Past the last it stays there: what zeros are multiplied by must be finite.
fn following(atB: u32, lastB: u32) -> u32 {
  return select(atB + params.bDepth, min(atB + params.bDepth, lastB), TAIL);
}

// A load gives SUBGROUP steps in depth of four rows: SUBGROUP / 4 invocations share a row. Rows past the last repeat the
// last and are not written. gemm-tiles.ts replaces this by the same written out for the tile's size.
fn computeTile(batch: u32, row: u32, vector: u32, lane: u32) {
  let sharers = SUBGROUP / 4u;
  var sums: array<array<vec4<f32>, TILE_VECTORS>, TILE_ROWS>;
  for (var segment = 0u; segment < params.segments; segment++) {
    var atB = columnStart(batch, segment, vector);
    let lastB = atB + (params.depth - 1u) * params.bDepth;
    for (var depth = 0u; depth < params.depth; depth += SUBGROUP) {
      let first = atB;
      for (var r = 0u; r < TILE_ROWS; r += 4u) {
        let start = segmentStart(rowOf(batch, min(row + r + lane / sharers, params.rows - 1u)), segment);
        let elements = elementsOfA(start, depth + lane % sharers * 4u);
        atB = first;
        for (var d = 0u; d < SUBGROUP; d++) {
          for (var i = 0u; i < min(4u, TILE_ROWS); i++) {
            let element = subgroupShuffle(elements, i * sharers + d / 4u)[d % 4u];
            for (var v = 0u; v < TILE_VECTORS; v++) {
              sums[r + i][v] += element * readB(atB, v);
            }
          }
          atB = following(atB, lastB);
        }
      }
    }
  }
  for (var r = 0u; r < TILE_ROWS; r++) {
    for (var v = 0u; v < TILE_VECTORS; v++) {
      writeY(batch, row + r, vector + v, sums[r][v]);
    }
  }
}

@compute @workgroup_size(SUBGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let index = group.x + group.y * groups.x;
  let batch = index / (params.rowGroups * params.columnGroups);
  // The grid is folded, so it may have more workgroups than there are tiles.
  if (batch < params.batches) {
    let row = index / params.columnGroups % params.rowGroups * TILE_ROWS;
    let vector = (index % params.columnGroups * SUBGROUP + lane) * TILE_VECTORS;
    computeTile(batch, row, vector, lane);
  }
}
