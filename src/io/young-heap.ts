/**
 * Keeps the part of the heap for new things as small as it is: V8 lets it grow to 48 MiB and more for who makes much that
 * does not live long, as a transfer of thousands of objects does, and gains no time by it there.
 */
export function keepYoungHeapSmall(): void {
  process.getBuiltinModule('node:v8').setFlagsFromString('--semi-space-growth-factor=1');
}
