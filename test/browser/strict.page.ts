/** A page whose Content-Security-Policy allows no WebAssembly asks for the CPU device, and shows what it is told. */
import { requestDevice } from '../../src/kernels/request-device.ts';

window.strict = requestDevice({ prefer: 'cpu' }).then(
  ({ description }) => description,
  (error: Error) => `${error.name}: ${error.message}`,
);
