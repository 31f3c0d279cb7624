/// What a buyer asks of the server; and a `visit`, in an open loop the whole way from when it was due to the decision.
enum Step: String, CaseIterable, Sendable {
    case session, challenge, link, purchase, order, payment, visit
}
