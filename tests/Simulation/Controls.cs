namespace ZfRepl.Simulation;

/// <summary>A piece of the product, or of what it stands on, that a negative control takes away.</summary>
internal enum Control
{
    Fsync,
    FolderSync,
    AckAfterCommit,
    ConfirmHash,
    UniqueKey,
    AckAfterSync,
    Salvage,
    RightValues,
    JsonLines,
    FrameCheck,
    LossLedger,
}

/// <summary>What is switched off. The shipped program has no such switches: they are wrapped around its seams here.</summary>
internal sealed class Controls(IReadOnlySet<Control> off)
{
    private static readonly (Control Control, string Name, string Text)[] Table =
    [
        (Control.Fsync, "fsync", "syncs of files report success and do nothing"),
        (Control.FolderSync, "folder-sync", "syncs of folders report success and do nothing"),
        (Control.AckAfterCommit, "ack-after-commit", "the history database answers before its commit, so blocks are confirmed before they are durable"),
        (Control.ConfirmHash, "confirm-hash", "the collector removes a confirmed block whatever content the confirmation names"),
        (Control.UniqueKey, "unique-key", "the history database takes every event that it is given as a new one"),
        (Control.AckAfterSync, "ack-after-sync", "the source acknowledges notifications before they are durable"),
        (Control.Salvage, "salvage", "the collector's start throws blocks away that were not sealed"),
        (Control.RightValues, "right-values", "the history database keeps other values than it is given"),
        (Control.JsonLines, "json-lines", "the centre writes no file of JSON lines, also where it is to"),
        (Control.FrameCheck, "frame-check", "bytes of blocks that go bad have the right checksums all the same"),
        (Control.LossLedger, "loss-ledger", "the history database keeps no entries of the loss ledger"),
    ];

    public static Controls None { get; } = new(new HashSet<Control>());

    public static IEnumerable<(string Name, string Text)> Names => Table.Select(t => (t.Name, t.Text));

    public bool IsOff(Control control) => off.Contains(control);

    public static Control? Find(string name) => Table.Where(t => t.Name == name).Select(t => (Control?)t.Control).FirstOrDefault();

    /// <summary>The options of the command line that give these controls.</summary>
    public override string ToString() => string.Concat(Table.Where(t => IsOff(t.Control)).Select(t => $" --without {t.Name}"));
}
