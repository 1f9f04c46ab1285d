// Hook of elements.wgsl: gradient of the keys of additive attention. An invocation owns a unit of a place
// and walks the rows in order.
struct Params {
  places: u32,
  units: u32,
  rows: u32,
}

@group(0) @binding(0) var<storage, read> keys: array<f32>;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> score: array<f32>;
// Bound as unsigned: a negative number is then a large one, of no grid either.
@group(0) @binding(3) var<storage, read> choice: array<u32>;
@group(0) @binding(4) var<storage, read> g: array<f32>;
@group(0) @binding(5) var<storage, read_write> dKeys: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn element(index: u32) {
  let i = index % params.units;
  let place = index / params.units % params.places;
  let grid = index / params.units / params.places;
  var sum = 0.0;
  for (var row = 0u; row < params.rows; row++) {
    if (choice[row] == grid) {
      let t = tanh(clamp(keys[index] + queries[row * params.units + i], -15.0, 15.0));
      sum += g[row * params.places + place] * (1.0 - t * t);
    }
  }
  dKeys[index] = sum * score[i];
}
