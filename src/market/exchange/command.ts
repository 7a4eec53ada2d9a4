import { parseArgs } from 'node:util';
import { FAULT_HELP } from './faults.ts';
import { createExchange } from './server.ts';
import type { Exchange, ExchangeOptions } from './server.ts';

const HELP = `lockstep-exchange: a simulated exchange on this machine's loopback interface

Usage: lockstep-exchange [options]

  --port N         port to listen on (any free one)
  --seed TEXT      name of the simulated world ("lockstep"); the same name is the same world everywhere
  --data DIR       serve <SYMBOL>.csv of this folder instead of the simulated world
  --faults SPEC    what goes wrong: ${FAULT_HELP}
                   e.g. 429=1*2@INFY.NS,captcha@investing
                   SEGMENT: a whole part of the path: a symbol, bseindices, moneycontrol, investing, wikipedia, nse;
                   VALUE: seconds to wait (429, 503, slow) or the status (captcha); TIMES: how often per path
  --live-day DATE  the exchange's today: nothing later exists, that day's rows carry a time of 16:00
  --help           this text

Prints its address, answers until it is stopped (Ctrl-C). What is wrong with its data on purpose: GET /world/defects
`;

/**
 * Runs `lockstep-exchange` with the arguments after its name: prints the address as one line and serves until SIGINT or SIGTERM.
 * Returns the exit code: 0 stopped or helped, 2 a wrong argument, an unreadable folder or a taken port (told on standard error).
 */
export async function runExchangeCommand(argv: readonly string[]): Promise<number> {
  let exchange: Exchange;
  try {
    const options = parseCommandLine(argv);
    if (options === 'help') {
      process.stdout.write(HELP);
      return 0;
    }
    exchange = await createExchange(options);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    process.stderr.write(`lockstep-exchange: ${error.message}\n  hint: ${hintFor(error)}\n`);
    return 2;
  }
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  process.stdout.write(`${exchange.url}\n`);
  await stopped;
  await exchange.close();
  return 0;
}

function parseCommandLine(argv: readonly string[]): ExchangeOptions | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      port: { type: 'string' },
      seed: { type: 'string' },
      data: { type: 'string' },
      faults: { type: 'string' },
      'live-day': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return 'help';
  const { port, seed, data, faults, 'live-day': liveDay } = values;
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535)) {
    throw new Error(`--port "${port}" is not a port number (0 to 65535)`);
  }
  if (data !== undefined && seed !== undefined) {
    throw new Error('--seed names a simulated world and --data replaces it; give one of them');
  }
  return {
    port: port === undefined ? undefined : Number(port),
    seed,
    dataDir: data,
    faults,
    liveDay,
  };
}

function hintFor(error: Error): string {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE' || code === 'EACCES')
    return 'take another --port, or leave it out for any free one';
  if (error.message.startsWith('folder "')) return '--data takes a folder of <SYMBOL>.csv files';
  return 'lockstep-exchange --help lists the options';
}
