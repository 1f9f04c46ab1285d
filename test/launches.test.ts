// What the ops say of their kernels, without a device.
import { readdirSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AdapterFacts, OpDefinition, OpName } from '../src/kernels/op/op.ts';
import { densePlacement } from '../src/kernels/op/placement.ts';
import { opTable } from '../src/kernels/op-table.ts';
import { foldGrid, linearGrid } from '../src/kernels/parts/grid.ts';

const software: AdapterFacts = {
  vendor: 'none',
  architecture: '',
  description: 'an adapter of the tests',
  cpuLike: true,
  features: new Set(),
  subgroupSize: 0,
  maxWorkgroupsPerDimension: 65535,
  maxInvocationsPerWorkgroup: 256,
  maxWorkgroupStorageBytes: 16384,
  maxBufferBytes: 2 ** 28,
};
const sharing: AdapterFacts = { ...software, features: new Set(['subgroups']), subgroupSize: 8 };
const hardware: AdapterFacts = { ...software, cpuLike: false };

test('the same call gives the same launches, every shader has its file, and no file is unused', () => {
  const files = readdirSync('shaders').filter((name) => name.endsWith('.wgsl'));
  const used = new Set<string>();
  for (const op of Object.keys(opTable) as OpName[]) {
    const definition = opTable[op] as OpDefinition<unknown>;
    for (const { inputs: samples, attributes } of definition.samples()) {
      const inputs = samples.map(({ shape, dtype }) => ({ shape, dtype }));
      const outputs = definition.infer(inputs, attributes);
      for (const adapter of [software, sharing, hardware]) {
        const placement = densePlacement(outputs[0]);
        const call = { inputs, outputs, attributes, adapter, placement };
        for (const variant of definition.variants?.(call) ?? ['default']) {
          const launches = definition.wgsl(call, variant);
          assert.equal(
            definition.wgsl(call, variant),
            launches,
            `${op} gives other launches the second time`,
          );
          for (const { shader, hooks = [] } of launches) {
            assert.ok(files.includes(`${shader.name}.wgsl`), `${op}: no file shaders/${shader.name}.wgsl`);
            for (const { name } of [shader, ...hooks]) used.add(name);
          }
        }
      }
    }
  }
  const unused = files.filter((name) => !used.has(name.replace('.wgsl', '')));
  assert.equal(unused, []);
});

test('rows are given to workgroups where they are long, and on a software adapter few', () => {
  const row = (rows: number, columns: number, adapter: AdapterFacts) => {
    const inputs = [{ shape: [rows, columns], dtype: 'float32' }] as const;
    const placement = densePlacement(inputs[0]);
    return opTable.softmax.variants?.({ inputs, outputs: inputs, attributes: {}, adapter, placement })[0];
  };
  assert.is(row(4, 3000, hardware), 'lanes256');
  assert.is(row(4000, 3000, hardware), 'lanes256');
  assert.is(row(4000, 300, hardware), 'lanes64');
  assert.is(row(4, 10, hardware), 'serial');
  assert.is(row(1, 10_001, software), 'lanes8');
  assert.is(row(64, 2912, software), 'lanes8');
  assert.is(row(64, 100, software), 'serial');
  assert.is(row(1024, 2912, software), 'serial');
  assert.is(row(1, 100, software), 'lanes8');
  assert.is(row(1, 5, software), 'serial');
});

test('a grid folds what one dimension cannot hold, and covers every element', () => {
  assert.equal(linearGrid(1, 64, software), [1, 1, 1]);
  assert.equal(linearGrid(65535 * 64, 64, software), [65535, 1, 1]);
  for (const workgroups of [65536, 100_001, 65535 * 65535]) {
    const [x, y, z] = foldGrid(workgroups, software);
    assert.ok(x <= 65535 && y <= 65535 && z === 1, `${x} × ${y} × ${z}`);
    assert.ok(x * y >= workgroups && x * y - workgroups < y, `${x} × ${y} for ${workgroups}`);
  }
});

test.run();
