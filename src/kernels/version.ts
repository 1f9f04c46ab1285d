/** The version of this package, as package.json has it, which the tests see to. */
export const version = '0.1.0';
