using ZfRepl.Core.Frames;

namespace ZfRepl.Core.History;

/// <summary>What is known of a stream from a block of it.</summary>
/// <param name="Id">The stream; its second half is 0 where only the first one is known.</param>
/// <param name="Node">The node that collected, empty where unknown.</param>
/// <param name="Mailbox">The mailbox, empty where unknown.</param>
/// <param name="HighestSequence">The highest sequence number that is known to have been given, 0 for none.</param>
public sealed record StreamFacts(StreamId Id, string Node, string Mailbox, ulong HighestSequence);

/// <summary>Who found out about a loss.</summary>
public enum LossOrigin
{
    /// <summary>The source: it dropped, expired or never got the events, and said so in a loss record.</summary>
    Source = 0,

    /// <summary>The import: frames were damaged or absent. Such a loss heals when the events arrive in another way.</summary>
    Import = 1,
}

/// <summary>One loss to be written.</summary>
/// <param name="Origin">Who found out.</param>
/// <param name="AtSequence">Where in the stream the record stands: the sequence number of the next event.</param>
/// <param name="Occurrence">Tells equal records at one place apart, and so a replay from a second loss: 0, 1, 2…, or what else is the same each time.</param>
/// <param name="Record">The record.</param>
public sealed record LossEntry(LossOrigin Origin, ulong AtSequence, int Occurrence, LossRecord Record);

/// <summary>The losses of a stream for one reason.</summary>
/// <param name="Origin">Who found out.</param>
/// <param name="Reason">Why.</param>
/// <param name="Records">How many records.</param>
/// <param name="Events">How many events at least, without those that arrived after all.</param>
/// <param name="IsExact">True when exactly that many.</param>
public sealed record LossSum(LossOrigin Origin, LossReason Reason, long Records, ulong Events, bool IsExact);

/// <summary>
/// The books of one stream: every sequence number from 1 to the highest one seen is received, declared lost by the source, or missing.
/// </summary>
/// <param name="Facts">The stream.</param>
/// <param name="Received">How many sequence numbers were received.</param>
/// <param name="MissingCount">How many are neither received nor declared lost by the source.</param>
/// <param name="Missing">The first of the missing ranges, ascending.</param>
/// <param name="Losses">The losses by origin and reason.</param>
public sealed record StreamAccount(
    StreamFacts Facts, ulong Received, ulong MissingCount, IReadOnlyList<SequenceRange> Missing, IReadOnlyList<LossSum> Losses);
