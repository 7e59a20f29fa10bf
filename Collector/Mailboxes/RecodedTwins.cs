using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>Which of two files of one block counts.</summary>
internal enum Twins
{
    /// <summary>The sealed one is whole and holds everything: the open one is of no use any more.</summary>
    SealedIsWhole,

    /// <summary>The sealed one, and the open one is something else.</summary>
    SealedCounts,

    /// <summary>The open one: more of it is intact.</summary>
    OpenCounts,
}

/// <summary>
/// A block that is there both sealed and open. A crash leaves it so between giving the re-coded file its name and deleting the old one, and a
/// power loss brings the old one back. Nothing is believed by name: both are read to the end.
/// </summary>
internal static class RecodedTwins
{
    /// <summary>Decides.</summary>
    /// <param name="storage">The storage.</param>
    /// <param name="sealedPath">The sealed file; the open one stands beside it.</param>
    /// <param name="stream">The mailbox's stream, if known.</param>
    /// <param name="unreadable">Why one of the files can't be read, or null.</param>
    /// <returns>The decision; an error when the disk does not answer, which is not about one of the files alone.</returns>
    public static StorageResult<Twins> Decide(IStorage storage, string sealedPath, StreamId? stream, out StorageError? unreadable)
    {
        var (whole, sealedTrouble) = Read(storage, sealedPath, stream);
        var (old, openTrouble) = Read(storage, sealedPath + BlockName.OpenSuffix, stream);
        unreadable = sealedTrouble ?? openTrouble;

        // What can't be read is set aside; the other one goes on.
        if ((IsOfOneFile(sealedTrouble) ? null : sealedTrouble) is { } first)
        {
            return first;
        }

        if ((IsOfOneFile(openTrouble) ? null : openTrouble) is { } second)
        {
            return second;
        }

        // Where neither can be read, the sealed one stays to be dealt with as any other: it may only have a bad place.
        if (whole is null || old is null)
        {
            return whole is null && old is not null ? Twins.OpenCounts : Twins.SealedCounts;
        }

        if (whole.IsIntact)
        {
            return Holds(whole, old) ? Twins.SealedIsWhole : Twins.SealedCounts;
        }

        return old.EventCount >= whole.EventCount && old.Header is not null ? Twins.OpenCounts : Twins.SealedCounts;
    }

    private static bool IsOfOneFile(StorageError? error) => error is { Errno: Errno.InputOutput or Errno.NotFound or Errno.TooManyLinks };

    private static bool Holds(BlockReport whole, BlockReport old) =>
        old.Header is { } header
        && whole.Header!.Stream == header.Stream
        && whole.Header.Index == header.Index
        && whole.FirstSequence <= old.FirstSequence
        && whole.NextSequence >= old.NextSequence;

    private static (BlockReport? Report, StorageError? Trouble) Read(IStorage storage, string path, StreamId? stream)
    {
        var read = ReadOnce(storage, path, stream);

        // A cable or a controller may have hung for a moment: a bad place of the disk stays one.
        return read.Trouble is { Errno: Errno.InputOutput } ? ReadOnce(storage, path, stream) : read;
    }

    private static (BlockReport? Report, StorageError? Trouble) ReadOnce(IStorage storage, string path, StreamId? stream)
    {
        var opened = storage.Open(path, write: false);
        if (!opened.IsOk)
        {
            return (null, opened.Error);
        }

        using var file = opened.Value;
        var report = BlockReport.Create(file, stream);
        return report.IsOk ? (report.Value, null) : (null, report.Error);
    }
}
