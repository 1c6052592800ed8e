internal import ListKeeper

/// What the kiosk knows of its own parts between one look at them and the next.
struct Upkeep {
    var isStoringTime = false
    /// How often it was looked at since the disk was asked; 0: it has answered.
    var diskLooks = 0
    /// How often the database failed while it was used.
    var databaseFailures = 0
    /// The state folder's file system is mounted so, as we see it.
    var isReadOnly = false
    /// What was told of a clock that nobody may ask about.
    var clockProblem: Int32?
    /// It was told that the clock lies before what is known.
    var isClockBehind = false
    var outage: OutageWatch
    var freshness: FreshnessWatch

    init(outage: OutageWatch, freshness: FreshnessWatch) {
        (self.outage, self.freshness) = (outage, freshness)
    }
}
