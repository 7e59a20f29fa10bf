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
}

/// <summary>A failed call to a history database, as a value: what was being written is not in it, and may be written again.</summary>
/// <param name="Trouble">The kind.</param>
/// <param name="Detail">What happened, as a sentence with the database's name.</param>
/// <param name="Remedy">What a person can do about it.</param>
public sealed record HistoryError(HistoryTrouble Trouble, string Detail, string Remedy)
{
    /// <summary>True when it makes sense to try again without a person having acted.</summary>
    public bool IsTransient => Trouble != HistoryTrouble.Broken;

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
