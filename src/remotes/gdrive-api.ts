import type { drive_v3 } from 'googleapis/build/src/apis/drive/v3.js';
import type { Body, RemoteConfig, SourceStream } from '../base/remote.ts';
import { remoteFault, withFaults } from './faults.ts';
import { arrivedWrong, googleFaultExcept404 } from './google-fault.ts';
import type { Media } from './google-media.ts';
import { eachPage } from './pages.ts';
import { strangeAnswer } from './web-fault.ts';
import { within } from './web-request.ts';

/** One file or folder of Drive. */
export interface DriveFile {
  readonly id: string;
  readonly name: string;
  readonly isFolder: boolean;
  readonly size: number;
  readonly parents: readonly string[];
}

/** A folder that searches begin at. */
export interface DriveRoot {
  readonly id: string;
  /** The shared drive it lies in, where the account may read that drive. */
  readonly driveId?: string;
}

/** Where new bytes go: into a new file of a folder, or in the place of an old file's. */
export type DriveTarget = { readonly name: string; readonly parent: string } | { readonly id: string };

/** The few requests of Drive v3 that a remote needs; each gives what the server said, without any memory. */
export interface DriveApi {
  /** The folder that an id names; `undefined` when it is no folder, or in the trash. */
  folder(id: string, signal: AbortSignal): Promise<DriveRoot | undefined>;
  /** Everything that matches and is not in the trash, page by page. */
  find(query: string, root: DriveRoot, signal: AbortSignal): AsyncGenerator<DriveFile, void, undefined>;
  /** Gives the new folder's id. */
  createFolder(name: string, parent: string, signal: AbortSignal): Promise<string>;
  trash(id: string, signal: AbortSignal): Promise<void>;
  /** Gives the file's id. Throws `remote.corrupt` when the server's checksum is not that of what was sent. */
  upload(target: DriveTarget, body: Body, signal: AbortSignal): Promise<string>;
  download(id: string, signal: AbortSignal, from?: number): Promise<SourceStream>;
}

export const FOLDER_TYPE = 'application/vnd.google-apps.folder';
const FIELDS = 'id,name,mimeType,size,md5Checksum,parents,trashed';
const FOLDER_FIELDS = 'id,mimeType,trashed,driveId,capabilities/canReadDrive';
const PAGE = 1000;
const ANSWER_MS = 60_000;

export interface DriveApiOptions {
  /** Asks for shared drives, too, and tries nothing again. */
  readonly drive: drive_v3.Drive;
  readonly media: Media;
  /** Asks for an access token before each request, so that it is known what must not be told. */
  readonly prepare: () => Promise<void>;
  /** `https://www.googleapis.com/`, or where tests have it. */
  readonly rootUrl: string;
}

/** Uses the vendor's client for metadata, and our own streams for bytes, which can be cut and go on. */
export function createDriveApi(
  config: RemoteConfig,
  { drive, media, prepare, rootUrl }: DriveApiOptions,
): DriveApi {
  const faultOf = (error: unknown): unknown => googleFaultExcept404(config, error);
  const ask = <T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    withFaults(signal, faultOf, () =>
      within(signal, ANSWER_MS, async (both) => {
        await prepare();
        return call(both);
      }),
    );

  async function trash(fileId: string, signal: AbortSignal): Promise<void> {
    await ask(signal, (signal) =>
      drive.files.update({ fileId, requestBody: { trashed: true }, fields: 'id' }, { signal }),
    );
  }

  return {
    async folder(fileId, signal) {
      const { data } = await ask(signal, (signal) =>
        drive.files.get({ fileId, fields: FOLDER_FIELDS }, { signal }),
      );
      if (!data.mimeType) throw strangeAnswer(config);
      if (data.mimeType !== FOLDER_TYPE || data.trashed === true) return undefined;
      // Who was given one folder of a shared drive may not search the drive; to such accounts the folder is their own.
      const { driveId } = data;
      return { id: fileId, ...(driveId && data.capabilities?.canReadDrive === true && { driveId }) };
    },
    async *find(query, { driveId }, signal) {
      const params = {
        includeItemsFromAllDrives: true,
        // Without it only those files of a shared drive are found that the account has made or opened.
        ...(driveId !== undefined && { corpora: 'drive', driveId }),
        q: `(${query}) and trashed = false`,
        pageSize: PAGE,
        fields: `nextPageToken,incompleteSearch,files(${FIELDS})`,
      };
      const askPage = async (pageToken?: string): Promise<drive_v3.Schema$FileList> => {
        const asked = { ...params, ...(pageToken !== undefined && { pageToken }) };
        return (await ask(signal, (both) => drive.files.list(asked, { signal: both }))).data;
      };
      for await (const data of eachPage(config, askPage, (page) => page.nextPageToken)) {
        if (data.incompleteSearch === true)
          throw remoteFault(config, 'unreachable', {
            what: 'the server broke a search off',
            retryable: true,
          });
        if (!data.files) throw strangeAnswer(config);
        for (const file of data.files) if (file.trashed !== true) yield toFile(file);
      }
    },
    async createFolder(name, parent, signal) {
      const requestBody = { name, parents: [parent], mimeType: FOLDER_TYPE };
      const { data } = await ask(signal, (signal) =>
        drive.files.create({ requestBody, fields: 'id' }, { signal }),
      );
      if (!data.id) throw strangeAnswer(config);
      return data.id;
    },
    trash,
    async upload(target, body, signal) {
      const isNew = 'name' in target;
      const path = `${rootUrl}upload/drive/v3/files${isNew ? '' : `/${encodeURIComponent(target.id)}`}`;
      const { resource, md5 } = await media.upload(
        {
          url: `${path}?supportsAllDrives=true&fields=${encodeURIComponent(FIELDS)}`,
          method: isNew ? 'POST' : 'PATCH',
          // A search that lags may have found a file that is in the trash by now.
          metadata: isNew ? { name: target.name, parents: [target.parent] } : { trashed: false },
        },
        body,
        signal,
      );
      const { id, name, md5Checksum } = resource as drive_v3.Schema$File;
      if (!id || typeof md5Checksum !== 'string') throw strangeAnswer(config);
      if (md5Checksum !== md5) {
        // Under its name it would be taken for what was sent.
        await trash(id, signal).catch(() => undefined);
        throw arrivedWrong(config, name ?? '');
      }
      return id;
    },
    download: (id, signal, from) =>
      media.download(
        `${rootUrl}drive/v3/files/${encodeURIComponent(id)}?alt=media&supportsAllDrives=true`,
        signal,
        from,
      ),
  };
}

function toFile(file: drive_v3.Schema$File): DriveFile {
  return {
    id: file.id ?? '',
    name: file.name ?? '',
    isFolder: file.mimeType === FOLDER_TYPE,
    size: Number(file.size ?? 0),
    parents: file.parents ?? [],
  };
}

/** The condition of a query of Drive that a file lies in one of these folders. */
export function inFolders(ids: readonly string[]): string {
  return `(${ids.map((id) => `${quoteDrive(id)} in parents`).join(' or ')})`;
}

/** A text in a query of Drive. */
export function quoteDrive(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
