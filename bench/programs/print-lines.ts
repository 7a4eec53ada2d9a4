/** Prints 10 MB of numbered lines a second, in ten parts a second, for the given number of seconds; 0 MB when told so. */
const [seconds = '5', megabytes = '10'] = process.argv.slice(2);
const LINE = 100;
const perPart = (Number(megabytes) * 1e6) / LINE / 10;
let line = 0;
let part = 0;

function printPart(): void {
  const text = Array.from(
    { length: perPart },
    () => `line ${String(line++).padStart(12, '0')} ${'.'.repeat(LINE - 19)}\n`,
  );
  process.stdout.write(text.join(''), () => {
    if (++part >= Number(seconds) * 10) clearInterval(timer);
  });
}

const timer = setInterval(printPart, 100);
