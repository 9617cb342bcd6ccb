/**
 * What operating systems say when a machine lacks what any build needs: disk space, quota, a writable or readable disk,
 * memory, open files, processes.
 */
const machineFaults =
  /no space left on device|not enough space on the disk|disk quota exceeded|read-only file system|input\/output error|cannot allocate memory|too many open files|resource temporarily unavailable|\b(?:ENOSPC|EDQUOT|EROFS|EIO|ENOMEM|EMFILE|ENFILE|EAGAIN)\b/i;

/** Whether the error of a command that the worker could not run is the machine's, not the command's. */
export function isMachineFault(message: string): boolean {
  return machineFaults.test(message);
}
