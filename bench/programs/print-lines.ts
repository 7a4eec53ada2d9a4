/** Prints so many megabytes of numbered lines a second, in ten parts a second, for the given number of seconds. */
const [seconds = '5', megabytes = '10'] = process.argv.slice(2);
const LINE = 100;
const perPart = (Number(megabytes) * 1e6) / LINE / 10;
let line = 0;
let left = Number(seconds) * 10;

function formatLine(): string {
  return `line ${String(line++).padStart(12, '0')} ${'.'.repeat(LINE - 19)}\n`;
}

const timer = setInterval(() => {
  process.stdout.write(Array.from({ length: perPart }, formatLine).join(''));
  if (--left === 0) clearInterval(timer);
}, 100);
