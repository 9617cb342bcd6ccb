import type { CommandName } from "@multimaster/wire";
import type { CommandBody } from "../command.ts";
import { cpdir, rmdir } from "./directory-trees.ts";
import { downloadFile } from "./download.ts";
import { glob, listdir, mkdir, rmfile, stat } from "./files.ts";
import { shell } from "./shell.ts";
import { uploadDirectory, uploadFile } from "./upload.ts";

/** The commands of this worker, by their names in the protocol. */
export const commandBodies: { readonly [N in CommandName]: CommandBody<N> } = {
  shell,
  upload_file: uploadFile,
  upload_directory: uploadDirectory,
  download_file: downloadFile,
  mkdir,
  rmdir,
  cpdir,
  stat,
  glob,
  listdir,
  rmfile,
};
