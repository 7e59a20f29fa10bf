namespace ZfRepl.Core.History;

/// <summary>Which history database there is, and where: one record for each kind.</summary>
public abstract record HistoryOptions;
