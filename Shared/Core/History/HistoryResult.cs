using System.Diagnostics.CodeAnalysis;

namespace ZfRepl.Core.History;

/// <summary>What kind of trouble a history database has: it decides who can help.</summary>
public enum HistoryTrouble
{
    /// <summary>Somebody else is writing; nothing was changed. Passes by itself.</summary>
    Busy,

    /// <summary>The disk is full, the file or the server can't be reached, or the disk failed; nothing was changed. Try again later.</summary>
    Unavailable,

    /// <summary>The database is damaged, of a newer version, or not ours: it stays so until a person acts. Nothing was changed or deleted.</summary>
    Broken,

    /// <summary>
    /// A rule that somebody gave the database lets some of the events not in; <see cref="HistoryError.Refused"/> names them. Nothing was changed; without
    /// them it may be written.
    /// </summary>
    Refused,
}

/// <summary>An event that a rule of somebody's keeps out of a database.</summary>
/// <param name="Index">Its place in the batch.</param>
/// <param name="Reason">What the database says.</param>
public readonly record struct RuledOut(int Index, string Reason);

/// <summary>A failed call to a history database, as a value: what was being written is not in it, and may be written again.</summary>
/// <param name="Trouble">The kind.</param>
/// <param name="Detail">What happened, as a sentence with the database's name.</param>
/// <param name="Remedy">What a person can do about it.</param>
public sealed record HistoryError(HistoryTrouble Trouble, string Detail, string Remedy)
{
    /// <summary>True when it makes sense to try again without a person having acted.</summary>
    public bool IsTransient => Trouble is HistoryTrouble.Busy or HistoryTrouble.Unavailable;

    /// <summary>
    /// With <see cref="HistoryTrouble.Refused"/>: at least one of the events that were to be written, ascending. There may be more, which are named when
    /// the others are written without these.
    /// </summary>
    public IReadOnlyList<RuledOut> Refused { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() => $"{Detail} ({Remedy})";
}

/// <summary>Makes results where the compiler can't convert, as of a value known by an interface.</summary>
public static class HistoryResult
{
    /// <summary>Success.</summary>
    public static HistoryResult<T> Of<T>(T value) => new(value, null);
}

/// <summary>The result of a call to a history database.</summary>
/// <typeparam name="T">The value's type.</typeparam>
public readonly struct HistoryResult<T>
{
    private readonly T? _value;

    internal HistoryResult(T? value, HistoryError? error)
    {
        _value = value;
        Error = error;
    }

    /// <summary>The error, or null.</summary>
    public HistoryError? Error { get; }

    /// <summary>True without an error.</summary>
    [MemberNotNullWhen(false, nameof(Error))]
    public bool IsOk => Error is null;

    /// <summary>The value.</summary>
    /// <exception cref="InvalidOperationException">The call failed: look at <see cref="Error"/> first.</exception>
    public T Value => Error is null ? _value! : throw new InvalidOperationException(Error.ToString());

    /// <summary>Success.</summary>
    public static implicit operator HistoryResult<T>(T value) => new(value, null);

    /// <summary>A failure.</summary>
    public static implicit operator HistoryResult<T>(HistoryError error) => new(default, error);
}
