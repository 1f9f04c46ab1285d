import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EkphrasisError, ShapeError } from '../src/kernels/op/errors.ts';
import { Parameter } from '../src/tensor/parameter.ts';
import { openScope, scope } from '../src/tensor/scope.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';

const onDevice = await eachDevice(test);

onDevice('a scope frees what it made and returns what it returned', async (device) => {
  const made: Tensor[] = [];
  const before = device.memory().storages;
  const sum = scope(() => {
    const a = Tensor.from(device, [1, 2]);
    const b = a.add(a);
    made.push(a, b);
    return b.sum();
  });
  assert.is(device.memory().storages, before + 1);
  assert.ok(made.every((tensor) => tensor.disposed));
  assert.is(await sum.item(), 6);
  sum.dispose();
});

onDevice('tensors in arrays, plain objects and maps survive, however deep', (device) => {
  const kept = scope(() => {
    const tensor = () => Tensor.from(device, [1]);
    tensor();
    return {
      list: [tensor(), [tensor()]],
      map: new Map([['key', { inner: tensor() }]]),
      nothing: null,
      number: 3,
      data: new Float32Array(2),
    };
  });
  const tensors = [kept.list[0], (kept.list[1] as Tensor[])[0], kept.map.get('key')?.inner];
  for (const tensor of tensors) {
    assert.instance(tensor, Tensor);
    assert.not((tensor as Tensor).disposed);
    (tensor as Tensor).dispose();
  }
});

onDevice('what is hidden in an instance of a class is freed', (device) => {
  class Box {
    constructor(readonly tensor: Tensor) {}
  }
  assert.ok(scope(() => new Box(Tensor.from(device, [1]))).tensor.disposed);
});

onDevice('an inner scope hands its result to the outer one, which frees it', (device) => {
  let inner: Tensor | undefined;
  scope(() => {
    inner = scope(() => Tensor.from(device, [1]));
    assert.not(inner.disposed);
  });
  assert.ok(inner?.disposed);
});

onDevice('a tensor from outside is neither freed nor adopted', (device) => {
  const outside = Tensor.from(device, [1]);
  scope(() => {
    scope(() => outside);
    assert.not(outside.disposed);
  });
  assert.not(outside.disposed);
  outside.dispose();
});

onDevice('parameters are exempt', (device) => {
  const parameter = scope(() => ({ found: [new Parameter(device, Float32Array.of(1), [1])] })).found[0];
  scope(() => {
    parameter.add(parameter);
  });
  assert.not(parameter.disposed);
  parameter.dispose();
});

onDevice('an exception frees everything and passes unchanged', async (device) => {
  const before = device.memory().storages;
  const thrown = new ShapeError('of the body');
  const caught = await errorOf(ShapeError, () =>
    scope(() => {
      Tensor.from(device, [1]);
      scope(() => {
        Tensor.from(device, [2]);
        throw thrown;
      });
    }),
  );
  assert.is(caught, thrown);
  assert.is(device.memory().storages, before);
});

onDevice('a failing body with a scope left open inside frees that too', async (device) => {
  const thrown = new ShapeError('of the body');
  const caught = await errorOf(ShapeError, () =>
    scope(() => {
      openScope();
      Tensor.from(device, [1]);
      throw thrown;
    }),
  );
  assert.is(caught, thrown);
  // No scope is open any more: a tensor made now is nobody's.
  const tensor = Tensor.from(device, [1]);
  scope(() => {});
  assert.not(tensor.disposed);
  tensor.dispose();
});

onDevice('a Promise is refused, and what was made is freed', async (device) => {
  const before = device.memory().storages;
  const { message } = await errorOf(EkphrasisError, () => scope(async () => Tensor.from(device, [1])));
  assert.match(message, /returned a Promise.*use openScope\(\)/);
  assert.is(device.memory().storages, before);
  await errorOf(EkphrasisError, () => scope(() => Promise.reject(new Error('must not go unhandled'))));
});

onDevice('an opened scope lasts across await and frees all but what is kept', async (device) => {
  const opened = openScope();
  const a = Tensor.from(device, [1, 2]);
  const values = await a.data();
  const b = Tensor.from(device, values).scale(2);
  opened.close([b]);
  assert.ok(a.disposed);
  assert.equal([...(await b.data())], [2, 4]);
  opened.close();
  assert.not(b.disposed, 'closing again does nothing');
  b.dispose();
});

onDevice('what an opened scope keeps belongs to the one around it', (device) => {
  const outer = openScope();
  const inner = openScope();
  const kept = Tensor.from(device, [1]);
  inner.close(kept);
  assert.not(kept.disposed);
  outer.close();
  assert.ok(kept.disposed);
});

onDevice('scopes close in the reverse order of their opening', async (device) => {
  const outer = openScope();
  const inner = openScope();
  const tensor = Tensor.from(device, [1]);
  const { message } = await errorOf(EkphrasisError, () => outer.close());
  assert.match(message, /out of order/);
  assert.not(tensor.disposed);
  inner.close();
  outer.close();
  assert.ok(tensor.disposed);
});

onDevice('a scope disposed of by hand inside is no harm', (device) => {
  scope(() => {
    const tensor = Tensor.from(device, [1]);
    tensor.dispose();
    const view = Tensor.from(device, [1, 2]).reshape([2, 1]);
    view.dispose();
  });
});

test.run();
